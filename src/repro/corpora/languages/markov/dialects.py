"""Dialects of a hidden Markov language: the same words in the same hidden classes, each under a grammar of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from repro.corpora.languages.hidden_markov import HiddenMarkov

_APART = 1_000_000  # between the seed of a language and that of its first dialect


@dataclass(frozen=True, kw_only=True)
class Dialects:
    """A text of so many dialects, of equally many tokens each; the first is the language itself.

    Fields: `language` says how many tokens there are in all; `count` dialects; `shared` whether they have the
    language's classes of words; without it each has classes of its own, and the mix teaches nothing of another's.

    Raises:
        ValueError: no dialect, or more than there are tokens.
    """

    language: HiddenMarkov
    count: int
    shared: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.count <= self.language.tokens:
            raise ValueError(f"{self.count} dialects in {self.language.tokens} tokens; expected 1 or more, and tokens")

    @property
    def vocabulary(self) -> int:
        """Number of symbols."""
        return self.language.symbols

    @property
    def entropy(self) -> float:
        """Entropy rate of every dialect in nats per token: they differ by how the same laws are shuffled."""
        return self.language.entropy

    def dialect(self, number: int, *, shared: bool) -> HiddenMarkov:
        """Dialect number 0, 1, ...; those from `count` on are in no training text."""
        if number == 0:
            return self.language
        words = self.language.seed if shared else None
        return replace(self.language, seed=self.language.seed + _APART * number, words=words)

    def draw(self, split: str) -> np.ndarray:
        """(tokens,) uint16: "train" the dialects one after another, "test" the first one alone."""
        if split == "test":
            return self.language.draw(split)
        each = self.language.tokens // self.count
        drawn = [self.dialect(number, shared=self.shared) for number in range(self.count)]
        return np.concatenate([replace(one, tokens=each).draw(split) for one in drawn])
