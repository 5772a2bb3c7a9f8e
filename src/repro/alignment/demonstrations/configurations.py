"""Configurations of trials on fine-tuning: what losses read, what demonstrations teach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from repro.corpora.languages.facts import Facts
from repro.floor.identity import added

LOSSES, PROMPTS = ("response", "all"), ("text", "noise")
BACKWARDS = ("none", "responses", "all")  # sentences whose words run from last to first
LEAST_TESTED = 20  # facts, below which a share says little


@dataclass(frozen=True, kw_only=True)
class Eliciting:
    """A decoder that reads facts, and is then fine-tuned on demonstrations about some of them.

    Fields: `demonstrations` numbers of them, each set holding the smaller ones, each tuned from the same start;
    `taught` hidden facts, shown by demonstrations in a tuning of their own; `validated` known facts, by whose loss the
    learning rate and one of the `looks` at a tuning are chosen; `reading` batches of `documents` read before; `steps`
    of a tuning.

    Raises:
        ValueError: too few facts are left to test.
    """

    facts: Facts
    demonstrations: tuple[int, ...] = (0, 4, 16, 64, 256)
    taught: int = 64
    validated: int = 64
    learning_rates: tuple[float, ...] = (3e-4, 1e-3)
    reading_rate: float = 3e-3
    reading: int = 2_000
    documents: int = 32
    steps: int = 120
    looks: int = 4
    batch: int = 32
    width: int = 64
    layers: int = 2

    def __post_init__(self) -> None:
        left = self.facts.known - self.validated - max(self.demonstrations)
        if min(left, self.facts.hidden - self.taught) < LEAST_TESTED:
            raise ValueError(
                f"{left} known and {self.facts.hidden - self.taught} hidden facts are left to test; "
                f"expected at least {LEAST_TESTED} of each"
            )


@dataclass(frozen=True, kw_only=True)
class Masking:
    """Fine-tuning with the loss on "response" or "all" tokens.

    prompt: "text", sentences of the response's feeling, or "noise", one word that tells it and then random ones.
    sentences: four words each, in a prompt. pretraining: batches of sentences of mixed feelings that the decoder reads
    before; with 0 it starts from scratch. backwards: sentences of the examples whose words run from last to first, an
    order that the decoder has not read. learning_rates: among them and the looks the response's loss on a validation
    set chooses. judged: examples of that set, and of the one that judges.
    """

    loss: str
    prompt: str
    sentences: int
    learning_rates: tuple[float, ...] = (1e-3, 3e-3)
    examples: int = 800
    steps: int = 100
    batch: int = 32
    looks: int = 4
    pretraining: int = 300
    width: int = 32
    judged: int = 400
    backwards: str = added("none")


@dataclass(frozen=True, kw_only=True)
class RandomPairs:
    """A random decoder, and pairs of random words: a prompt and two replies each, of one length."""

    spelled: ClassVar = "Reading"
    words: int = 12
    width: int = 16
    pairs: int = 4
    prompt: int = 6
    reply: int = 4
    beta: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Referred:
    """A loss on pairs, at random log-probabilities of replies of one length."""

    method: str
    pairs: int = 8
    reply: int = 4
