"""Trials of prompts: a short run on lines of a made-up language, and what its model is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.abilities.configurations import Learning
from repro.corpora.languages.commands import Commands
from repro.corpora.languages.problems import RULES
from repro.corpora.languages.products import Products
from repro.corpora.languages.refusals import TALK, Refusals
from repro.training.configurations import Pretraining
from repro.training.short import TESTED, short_run

MOST_EXAMPLES = 5  # whose orders are all asked: 120


@dataclass(frozen=True, kw_only=True)
class Reordering:
    """A training run on rules, and of how many lines the examples are put into every order.

    Raises:
        ValueError: no rules, or more examples than can be put into every order.
    """

    learning: Learning
    items: int = 1_000

    def __post_init__(self) -> None:
        problems = self.learning.problems
        if problems.family not in RULES or not 2 <= problems.size <= MOST_EXAMPLES:
            raise ValueError(
                f"{problems.size} of {problems.family!r}; expected 2 to {MOST_EXAMPLES} examples of a rule"
            )

    @property
    def run(self) -> Pretraining:
        """The training run."""
        return self.learning.run


@dataclass(frozen=True, kw_only=True)
class Calling:
    """A training run on products, and how many of each length its model is asked.

    Raises:
        ValueError: the text holds no products.
    """

    run: Pretraining
    items: int = 500

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, Products):
            raise ValueError(f"a text of {self.run.text}; expected products")

    @property
    def products(self) -> Products:
        """The text."""
        assert isinstance(self.run.text, Products)
        return self.run.text


@dataclass(frozen=True, kw_only=True)
class Commanding:
    """A training run on commands, and how many lines of each kind its model is asked.

    Raises:
        ValueError: the text holds no commands.
    """

    run: Pretraining
    items: int = 1_000

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, Commands):
            raise ValueError(f"a text of {self.run.text}; expected commands")


@dataclass(frozen=True, kw_only=True)
class Breaking:
    """A training run on refusals, and how its model is attacked by a suffix of small talk.

    Fields: `prompts` that are attacked, `suffix` tokens that the attacker chooses at the end of the small talk,
    `starts` of the search, `sweeps` of each over the suffix's places.

    Raises:
        ValueError: the text holds no refusals, or no such suffix.
    """

    run: Pretraining
    prompts: int = 50
    suffix: int = TALK
    starts: int = 3
    sweeps: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, Refusals):
            raise ValueError(f"a text of {self.run.text}; expected refusals")
        if not 1 <= self.suffix <= TALK or min(self.starts, self.sweeps, self.prompts) < 1:
            raise ValueError(f"{self}: expected a suffix of 1 to {TALK} tokens, a start, a sweep and a prompt or more")

    @property
    def refusals(self) -> Refusals:
        """The text."""
        assert isinstance(self.run.text, Refusals)
        return self.run.text

    @property
    def tries(self) -> int:
        """Suffixes that an attacker tries per prompt."""
        return self.starts * self.sweeps * self.suffix * self.refusals.vocabulary


def prompt_run(
    text: Commands | Products | Refusals, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Pretraining:
    """A `short_run` on a text of prompts, `lines` of them per step, all freshly drawn."""
    length = text.length
    text = replace(text, tokens=(steps * lines + 1) * length, test_tokens=(TESTED * lines + 1) * length)
    return short_run(text, length, width=width, layers=layers, steps=steps, lines=lines, rate=rate)
