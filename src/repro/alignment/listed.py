"""DPO, PPO and relatives on a language whose sentences can be listed: what each reaches, what each of its errors costs.

Every figure is a sum over all sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.identity import added
from repro.floor.measurement import Diverged, Numbers, measurement

METHODS = ("DPO", "PPO", "PPO, gold reward")
ON_PAIRS = ("DPO", "IPO", "KTO", "ORPO", "SimPO", "SFT on chosen")
OPTIMUM = "optimum for the reward model"
ARMS = (*METHODS, "RLOO", "GRPO", *ON_PAIRS[1:], OPTIMUM)
DRAWN_BY = ("reference", "another decoder")
CORRECTED = ("no", "smoothed", "unbiased")


@dataclass(frozen=True)
class Language:
    """All sentences of some words and one length, and the random decoder that is the reference."""

    vocabulary: int = 6
    length: int = 4
    width: int = 32
    layers: int = 1


@dataclass(frozen=True)
class Budget:
    """Batches of pairs that DPO and a reward model take, batches of sentences that PPO takes, and looks at each."""

    fit_steps: int = 200
    fit_batch: int = 64
    ppo_steps: int = 100
    episodes: int = 64
    looks: int = 10


@dataclass(frozen=True)
class Listed:
    """One method at one learning rate, on pairs that the reference drew and the gold reward labelled.

    model_rates: learning rates of the reward model, among which its loss on held-out pairs chooses. drawn_by: one of
    DRAWN_BY, who wrote the sentences of the pairs. strength: the weight in the loss of a method on pairs alone, if it
    is not beta; for OPTIMUM the weight of the KL, and its learning rate is the reward model's only one. flipped: share
    of labels turned round, of held-out pairs too. corrected: one of CORRECTED, how the loss of pairs allows for them.
    """

    method: str
    learning_rate: float
    pairs: int
    beta: float = 0.3
    language: Language = Language()
    budget: Budget = Budget()
    model_rates: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    drawn_by: str = added("reference")
    strength: float | None = added(None)
    flipped: float = added(0.0)
    corrected: str = added("no")


@measurement(version=1)
def listed_language(config: Listed, seed: int) -> Numbers:
    """What a method attains of gold, as shares of J(pi*) - J(pi_ref), where J is the mean reward minus beta KL.

    `reached` what its policy has; `model_best` what the exact optimum for its reward model has, and `own` what its
    policy has of what that optimum gains under the reward model itself (None where there is no such model).
    `gain` is the mean reward minus the reference's, `best_gain` the most that any policy at the same KL can have.
    `own_loss` chooses among learning rates; `step` is that of the checkpoint kept, `losses` are of all looks; `kl` in
    nats; `to_star` the total variation from pi*; `seconds` CPU time of training, of the reward model too.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.alignment.listed_arms import trained

    for name, known in (("method", ARMS), ("drawn_by", DRAWN_BY), ("corrected", CORRECTED)):
        if getattr(config, name) not in known:
            raise ValueError(f"got {name}={getattr(config, name)!r}; expected one of {known}")
    try:
        return trained(config, seed)
    except FloatingPointError as error:
        raise Diverged(str(error)) from None
