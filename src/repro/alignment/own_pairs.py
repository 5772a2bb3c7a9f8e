"""DPO and PPO on a reader's own model and pairs, by a reader's own reward; or on an example written to files first."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.alignment.frontier import Stage
from repro.alignment.listed import METHODS, Budget
from repro.alignment.preferences import GivenPairs, given_pairs
from repro.floor.identity import added
from repro.floor.measurement import Diverged, Numbers, measurement
from repro.models.given import GivenModel, given_model

GOLD = "gold"


@dataclass(frozen=True)
class Given:
    """A model, pairs, and what judges replies: a classifier, or the gold reward of made-up reviews."""

    model: GivenModel
    pairs: GivenPairs
    reward: GivenModel | str


@dataclass(frozen=True)
class Example:
    """A small Llama fine-tuned on made-up reviews, and so many pairs of its replies, labelled by gold with noise.

    Both are written to files, and read as a reader's own would be.
    """

    stage: Stage = field(default_factory=Stage)
    pairs: int = 2000


def given_task(model: str, pairs: str, reward: str) -> Given:
    """What three names stand for: folders, files, or names on the hub; `reward` may be "gold".

    Raises:
        ValueError: not all three are named, or a malformed pair.
        FileNotFoundError: one that is not there.
    """
    named = {"model": model, "pairs": pairs, "reward": reward}
    if lacking := [f"-p {name}" for name, value in named.items() if not value]:
        raise ValueError(f"no {' and no '.join(lacking)}; a model, pairs and a reward of your own are given together")
    return Given(given_model(model), given_pairs(pairs), GOLD if reward == GOLD else given_model(reward))


@dataclass(frozen=True)
class Owned:
    """One method at one beta and one learning rate.

    prompt, reply: the most tokens of each; longer pairs are left out. model_rates: learning rates of the reward model,
    among which its loss on held-out pairs chooses. samples: replies to held-out prompts at each look. lora: rank of the
    adapters by which policy, reward model and value network learn; 0: all weights learn. device: where all is computed,
    in single precision.
    """

    task: Given | Example
    method: str
    beta: float
    learning_rate: float
    budget: Budget
    prompt: int
    reply: int
    model_rates: tuple[float, ...]
    samples: int = 200
    lora: int = 0
    device: str = added("cpu")


@measurement(version=1)
def own_pairs(config: Owned, seed: int) -> Numbers:
    """What a policy writes to prompts that its training never saw, at each look; the first is the given model.

    The seed decides which prompts and pairs are held out, their order, and all draws. Lists over looks: `reward` as the
    given judge has it, `wins` how often a reply has more than the given model's to the same prompt, ties half, `kl`
    from that model in nats a reply, summed over its tokens and exact at each, `tokens` of a reply, and `valid` the
    share with at least what the worst twentieth of the given model's replies has. `losses` are its own, without the
    first look's; `look` is the one kept, by `own_loss`. `ordered`: share of held-out pairs that what was learnt orders
    as the file does; `judged`: that the given judge does. `used` pairs were short enough; `seconds` CPU time of
    training, of the reward model too, looks included.

    Raises:
        Diverged: a loss that is no number.
        ValueError: another method, or too few pairs that are short enough.
    """
    from repro.alignment.own_arms import trained

    if config.method not in METHODS[:2]:
        raise ValueError(f"got method={config.method!r}; expected one of {METHODS[:2]}")
    try:
        return trained(config, seed)
    except FloatingPointError as error:
        raise Diverged(str(error)) from None
