"""Lines of word pairs: in one of a few languages that training holds, or in one whose pairs each line draws anew.

A line is a mark, then pairs: a word and its translation, one token each. Every language has translations of its own and
gives each word one of them, always the same. The new language has as many translations, and each line deals them out to
the words by chance, so that nothing but the line tells which belongs to which. A quarter of all ordered pairs of words
stand next to each other in the lines of the test and never in those of training, and the test's lines hold no other
neighbours: each of their contexts is new.

Legend: B lines, P pairs of a line, W words, D languages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.int64]
BATCH = 65_536  # lines drawn at a time
NEW = 0.75  # share of the lines in the new language
REPEATED = 0.5  # how often a training line asks for a word that it has shown


@dataclass(frozen=True, kw_only=True)
class Dictionaries:
    """The languages and how much of them; a context of one line suits them.

    Fields: `words` W, `languages` D, `pairs` P of a line, so that its last word is asked after P - 1; `seed` the
    languages'; `tokens`, `test_tokens` rounded down to whole lines.

    Raises:
        ValueError: no language, or so few words that a line of the test may find no neighbour.
    """

    words: int = 24
    languages: int = 4
    pairs: int = 6
    seed: int = 0
    tokens: int = 2_000_000
    test_tokens: int = 200_000

    def __post_init__(self) -> None:
        if self.languages < 1 or self.pairs < 2 or self.words // 4 < self.pairs:
            raise ValueError(f"{self}: expected a language, two pairs or more, and four times as many words as pairs")

    @property
    def vocabulary(self) -> int:
        """Words, then the translations of each language, those of the new one, and the mark."""
        return (self.languages + 2) * self.words + 1

    @property
    def length(self) -> int:
        """Tokens of a line."""
        return 2 * self.pairs + 1

    @property
    def entropy(self) -> None:
        """Not stated: what a line says of its language and of its words is spread over its places."""
        return None

    def neighbours(self) -> NDArray[np.bool_]:
        """(W, W) whether a word may follow another in the test (and nowhere else); never itself."""
        scores = np.random.default_rng([self.seed, 3]).random((self.words, self.words))
        np.fill_diagonal(scores, 2)
        return np.asarray(scores.argsort(axis=1).argsort(axis=1) < self.words // 4)

    def draw(self, split: str) -> NDArray[np.uint16]:
        """(tokens,) of "train" or "test": lines, independently drawn."""
        count = max(1, (self.tokens if split == "train" else self.test_tokens) // self.length)
        rng, parts = np.random.default_rng([self.seed, {"train": 1, "test": 2}[split]]), []
        for start in range(0, count, BATCH):
            languages_B = rng.integers(self.languages, size=min(BATCH, count - start))
            languages_B[rng.random(len(languages_B)) < NEW] = self.languages
            parts.append(self._lines(rng, languages_B, split))
        return np.concatenate(parts).astype(np.uint16).reshape(-1)

    def asked(self, count: int, *, known: bool) -> Lines:
        """(count, length) lines of the test, no word twice: in the languages in turn, or all in the new one."""
        languages_B = np.arange(count) % self.languages if known else np.full(count, self.languages)
        return self._lines(np.random.default_rng([self.seed, 4, known]), languages_B, "test")

    def _lines(self, rng: np.random.Generator, languages_B: Lines, split: str) -> Lines:
        """Lines in languages 0 ... D - 1, or D for the new one."""
        test, count = split == "test", len(languages_B)
        follows = self.neighbours() if test else ~self.neighbours()
        rows, words = np.arange(count), [rng.integers(self.words, size=count)]
        shown_BW = np.full((count, self.words), False)
        for _ in range(1, self.pairs):
            shown_BW[rows, words[-1]] = True
            again_B = np.full(count, False) if test else rng.random(count) < REPEATED
            free_BW = follows[words[-1]] & (shown_BW == again_B[:, None])
            words.append(np.where(free_BW, rng.random(free_BW.shape), -1).argmax(axis=1))
        chosen_BP = np.stack(words, axis=1)
        dealt_BW = rng.permuted(np.tile(np.arange(self.words), (count, 1)), axis=1)
        new_BP = np.take_along_axis(dealt_BW, chosen_BP, axis=1)
        named_BP = np.where(languages_B[:, None] == self.languages, new_BP, chosen_BP)
        pairs = np.stack([chosen_BP, (1 + languages_B[:, None]) * self.words + named_BP], axis=2)
        return np.hstack([np.full((count, 1), self.vocabulary - 1), pairs.reshape(count, -1)])
