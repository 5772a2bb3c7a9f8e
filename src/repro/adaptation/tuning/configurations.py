"""Configurations of trials that fine-tune a small decoder: on a second language, or towards a planted update."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.corpora.texts.text import HiddenMarkov
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining

BASES = ("", "nf4")
LOOKS = (5, 10, 20, 40, 80, 140, 200)
SECOND = 1_000_000  # added to a seed for the grammar of the second language


@dataclass(frozen=True, kw_only=True)
class InPlace:
    """A decoder of random weights in double precision with adapters beside its matrices, scaled by alpha / rank."""

    shape: Decoder
    rank: int
    alpha: int


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How a trained decoder learns on: by adapters of a `rank` beside each matrix of its layers, or whole (rank 0).

    Fields: `learning_rate` of Adam, constant after ten steps; `lines` windows per step; `looks` the steps, in order, at
    which the model is read, the last at the end.

    Raises:
        ValueError: looks that do not grow.
    """

    rank: int
    learning_rate: float
    lines: int = 16
    looks: tuple[int, ...] = LOOKS

    def __post_init__(self) -> None:
        if not self.looks or list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 1:
            raise ValueError(f"looks {self.looks}; expected growing numbers of steps, the first at least 1")


@dataclass(frozen=True, kw_only=True)
class SecondLanguage:
    """A decoder that was trained on a hidden Markov language, tuned on another with the same words.

    Fields: `run` the first training; the trial's seed is that of its language too, whatever the run's text says;
    `base` "nf4" rounds the layers' matrices to 4 bits before they are tuned, which takes adapters.

    Raises:
        ValueError: a base that there is not, or one of 4 bits whose weights should all learn, or another text.
    """

    run: Pretraining
    tuning: Tuning
    base: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, HiddenMarkov):
            raise ValueError(f"the run's text is {self.run.text!r}; expected a HiddenMarkov: it has a second")
        if self.base not in BASES or (self.base and not self.tuning.rank):
            raise ValueError(f"base {self.base!r}, rank {self.tuning.rank}; expected '', or 'nf4' with a rank above 0")


@dataclass(frozen=True, kw_only=True)
class PlantedUpdate:
    """A decoder of random weights that learns an update of its own matrices, of a known rank, from random tokens.

    Random weights and tokens, because a trained decoder puts what it reads into few directions, where an update of any
    rank shows little. Fields: `planted` rank of the update of each matrix of the layers; `size` its Frobenius norm over
    that of the matrix.
    """

    shape: Decoder
    tuning: Tuning
    planted: int
    size: float = 1.0


def first_run(run: Pretraining, seed: int) -> Pretraining:
    """The first training of a trial, on the language of its seed."""
    assert isinstance(run.text, HiddenMarkov)
    return replace(run, text=replace(run.text, seed=seed))


def second_language(first: HiddenMarkov) -> HiddenMarkov:
    """The language that is tuned on: the words of the first under a grammar of its own."""
    return replace(first, seed=SECOND + first.seed, words=first.seed)
