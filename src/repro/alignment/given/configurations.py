"""Configurations of trials on a given model and pairs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import ClassVar

from repro.alignment.given.preferences import FEWEST, GOLD, GivenPairs, given_pairs
from repro.alignment.methods.configurations import Effort
from repro.alignment.reviews.configurations import Stage
from repro.floor.identity import added
from repro.models.given import GivenModel, given_model


@dataclass(frozen=True, kw_only=True)
class Given:
    """A task: a model, pairs, and the reward of replies, a classifier's or the gold reward of made-up reviews."""

    model: GivenModel
    pairs: GivenPairs
    reward: GivenModel | str

    def account(self, prompt: int, reply: int) -> list[dict[str, object]]:
        """What became of the rows of the pairs, of which none may have more tokens than these of prompt and reply.

        Raises:
            ValueError: the model or the judge cannot take the pairs, or too few are short enough.
        """
        with warnings.catch_warnings():  # a page has no bars, and needs no word of how to have them
            warnings.filterwarnings("ignore", "IProgress not found")
            from repro.alignment.given.account import account_of
        return account_of(self.model, self.pairs, self.reward, prompt=prompt, reply=reply)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A task of the book's own: a small Llama fine-tuned on made-up reviews, and so many pairs of its replies.

    Gold labels them, with noise. Model and pairs are written to files, and read as given ones would be.
    """

    stage: Stage = field(default_factory=Stage)
    pairs: int = 2000


def given_task(model: str, pairs: str, reward: str) -> Given:
    """The task of three names: folders, files, or names on the hub; `reward` may be "gold".

    Raises:
        ValueError: not all three are named, another kind of model, or a malformed pair.
        FileNotFoundError: one that is not there.
    """
    named = {"model": model, "pairs": pairs, "reward": reward}
    if lacking := [f"-p {name}" for name, value in named.items() if not value]:
        raise ValueError(f"no {' and no '.join(lacking)}; a model, pairs and a reward of your own are given together")
    from repro.models.library.vocabularies import refuse_unknown_tokens, tokeniser_of

    read = given_pairs(pairs)
    if read.count < FEWEST:
        raise ValueError(f"{pairs} holds {read.count} of at least {FEWEST} pairs; a fifth is held out, so give more")
    writer, judge = given_model(model), GOLD if reward == GOLD else given_model(reward, classifies=True)
    cutters = [(one, tokeniser_of(one.folder(), one.name)) for one in (writer, judge) if isinstance(one, GivenModel)]
    for one, tokeniser in cutters:
        refuse_unknown_tokens(one.name, tokeniser, one.vocabulary)
    if cutters[0][1].eos_token_id is None:
        raise ValueError(f"the tokeniser of {writer.name} has no end token, so no reply would end; set its eos_token")
    return Given(model=writer, pairs=read, reward=judge)


@dataclass(frozen=True, kw_only=True)
class GivenArm:
    """One method at one beta and one learning rate, on a given task or on the example.

    prompt, reply: the most tokens of each; longer pairs are left out. model_rates: learning rates of the reward model,
    among which its loss on held-out pairs chooses. samples: replies to held-out prompts at each look. lora: rank of the
    adapters by which policy, reward model and value network learn; 0: all weights learn. device: where all is computed,
    in single precision.
    """

    spelled: ClassVar = "Owned"
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
