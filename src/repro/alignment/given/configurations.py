"""What trials on a reader's own model and pairs are of."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.alignment.given.preferences import GivenPairs, given_pairs
from repro.alignment.methods.configurations import Effort
from repro.alignment.reviews.configurations import Stage
from repro.floor.identity import added
from repro.models.given import GivenModel, given_model

GOLD = "gold"


@dataclass(frozen=True, kw_only=True)
class Given:
    """A model, pairs, and what judges replies: a classifier, or the gold reward of made-up reviews."""

    model: GivenModel
    pairs: GivenPairs
    reward: GivenModel | str


@dataclass(frozen=True, kw_only=True)
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
    return Given(
        model=given_model(model), pairs=given_pairs(pairs), reward=GOLD if reward == GOLD else given_model(reward)
    )


@dataclass(frozen=True, kw_only=True)
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
    budget: Effort
    prompt: int
    reply: int
    model_rates: tuple[float, ...]
    samples: int = 200
    lora: int = 0
    device: str = added("cpu")
