"""The frontier of gold reward against KL on made-up reviews: trained policies, the best there are, and best-of-n."""

from __future__ import annotations

from dataclasses import dataclass

from repro.alignment.listed import METHODS, Budget
from repro.alignment.reviews import ASKED, SENTENCE, SENTENCES, WORDS
from repro.floor.identity import added
from repro.floor.measurement import Diverged, Numbers, measurement
from repro.models.decoder import Decoder


@dataclass(frozen=True)
class Stage:
    """Supervised fine-tuning on reviews, from which every arm starts and by which pairs are drawn.

    sentences: of a review, three or more. device: where all of a trial is computed.

    Raises:
        ValueError: fewer sentences.
    """

    width: int = 32
    layers: int = 2
    steps: int = 300
    batch: int = 64
    learning_rate: float = 3e-3
    sentences: int = added(SENTENCES)
    device: str = added("cpu")

    def __post_init__(self) -> None:
        if self.sentences < SENTENCES:
            raise ValueError(f"a review of {self.sentences} sentences; expected {SENTENCES} or more")

    @property
    def reply(self) -> int:
        """Tokens of a reply."""
        return self.sentences * SENTENCE

    @property
    def shape(self) -> Decoder:
        """The decoder, its heads 16 wide."""
        return Decoder(len(WORDS), self.width, self.layers, max(1, self.width // 16), context=ASKED + self.reply)


@dataclass(frozen=True)
class Aligned:
    """One method at one beta and one learning rate, on pairs that the fine-tuned model wrote and gold labelled.

    model_rates: learning rates of the reward model, among which its loss on held-out pairs chooses. samples: replies to
    held-out prompts at each look. lora: rank of the adapters by which policy, reward model and value network learn; 0:
    all weights learn.
    """

    method: str
    beta: float
    learning_rate: float
    pairs: int
    budget: Budget
    stage: Stage = Stage()
    model_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    samples: int = 300
    lora: int = added(0)


@measurement(version=1)
def aligned_reviews(config: Aligned, seed: int) -> Numbers:
    """What a policy writes to prompts that its training never saw, at each look; the first is the fine-tuned model.

    Lists over looks: `gold`, `proxy` (the learned reward, in spreads over the fine-tuned model's replies; DPO's is its
    own, beta log(pi / pi_ref)), `wins` how often its reply has more gold than the fine-tuned model's, ties half, `kl`
    from that model and `entropy` in nats a reply, `valid` the share that keeps to the grammar. `losses` are its own,
    without the first look's; `look` is the one kept, by `own_loss`; `ordered` the share of pairs of replies that the
    reward model puts in gold's order (None for DPO); `seconds` CPU time of training, of the reward model too, looks
    included.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.alignment.frontier_arms import trained

    if config.method not in METHODS:
        raise ValueError(f"got method={config.method!r}; expected one of {METHODS}")
    try:
        return trained(config, seed)
    except FloatingPointError as error:
        raise Diverged(str(error)) from None


@dataclass(frozen=True)
class Reach:
    """What can be reached from a fine-tuned model: its replies weighed by exp(gold / beta), and the best of a few."""

    stage: Stage = Stage()
    betas: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    best_of: tuple[int, ...] = (1, 2, 4, 8, 16)
    samples: int = 2000


@measurement(version=1)
def reachable(config: Reach, seed: int) -> Numbers:
    """`gold` and `kl` of the best policy at each beta, and of the best of n replies (an upper bound on its KL).

    Each is exact but for the finite number of replies that the fine-tuned model writes to each held-out prompt; `share`
    is the effective part of them after weighing, the least over prompts.

    Source: Stiennon et al. 2020 (arXiv:2009.01325), appendix G.3, for the KL of the best of n.
    """
    from repro.alignment.frontier_arms import reach

    return reach(config, seed)


def passes(config: Aligned) -> dict[str, int]:
    """Forward passes over one sentence that training takes, by what for; a backward pass counts as two.

    DPO reads each of its pairs once by the reference. PPO writes, reads by policy, reference, value network and reward
    model, and goes over each batch a few times with policy and value network.
    """
    from repro.alignment.ppo import Settings

    fitted = 2 * 3 * config.budget.fit_steps * config.budget.fit_batch
    if config.method == "DPO":
        return {"pairs": fitted, "reference": 2 * config.pairs}
    written = config.budget.ppo_steps * config.budget.episodes
    epochs = Settings(config.beta, 1).epochs
    judged = {} if "gold" in config.method else {"reward model": fitted}
    return {**judged, "writing": written, "reading": 4 * written, "learning": 2 * 3 * epochs * written}
