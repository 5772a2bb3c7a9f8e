"""Sums of two numbers as lines of tokens, with the digits of a number cut into tokens in one of three ways.

A line is a mark, the first summand, a plus, the second, an equals sign, the answer and an end; ends fill it up. Numbers
are written as people write them, without zeros before them, so an answer has as many digits as a summand or one more. A
tenth of all questions, chosen by a hash of their digits, is kept for the test: the same for every way of cutting.

Legend: B lines, T tokens of a line, n digits of a summand, k digits of a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.corpora.languages.problems import held_out, number

Lines = NDArray[np.int64]
CUTS = ("digits", "left", "right")
SIGNS = 4  # mark, plus, equals, end: the last numbers of the vocabulary


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The lines and how many to draw; a context of one line suits them.

    Fields: `digits` n; `chunk` k; `cut` digits: one digit per token; left: chunks of k from the left, so that 12345 is
    123 45; right: from the right, so that it is 12 345. The vocabulary has every chunk of 1 to k digits, whatever the
    cut, so models are equally large. `base` values of a digit: with fewer, a chunk has fewer values to learn. `tokens`,
    `test_tokens` rounded down to whole lines.

    Raises:
        ValueError: there is no such cut, or sizes that leave nothing to cut.
    """

    digits: int
    chunk: int
    cut: str
    base: int = 10
    tokens: int = 2_000_000
    test_tokens: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.cut not in CUTS:
            raise ValueError(f"cut is {self.cut!r}; expected one of {', '.join(CUTS)}")
        if not 1 < self.chunk <= self.digits <= 8 or self.chunk > 4 or not 2 <= self.base <= 10:
            raise ValueError(
                f"{self.digits} digits of base {self.base} in chunks of {self.chunk}; expected at most 8 digits, "
                "a base of 2 to 10, chunks of 2 to 4"
            )

    @property
    def vocabulary(self) -> int:
        """Chunks of 1, 2, ... k digits, then the signs."""
        return self._first(self.chunk + 1) + SIGNS

    @property
    def asked(self) -> int:
        """Tokens of a line up to its answer."""
        return 3 + 2 * len(self._sizes(self.digits))

    @property
    def length(self) -> int:
        """T: tokens of a line, with room for the longer answer and an end."""
        return self.asked + len(self._sizes(self.digits + 1)) + 1

    @property
    def entropy(self) -> None:
        """Not stated: the questions kept for the test are no exact tenth."""
        return None

    def draw(self, split: str) -> NDArray[np.uint16]:
        """(tokens,) of "train" or "test": lines with questions of that split, independently drawn."""
        count = max(1, (self.tokens if split == "train" else self.test_tokens) // self.length)
        return self.lines(count, split)[0].astype(np.uint16).reshape(-1)

    def lines(self, count: int, split: str) -> tuple[Lines, NDArray[np.bool_]]:
        """(count, T) lines with questions of a split, and (count,) whether the answer is longer than the summands."""
        rng = np.random.default_rng([self.seed, {"train": 1, "test": 2}[split]])
        parts: list[Lines] = []
        while sum(map(len, parts)) < count:
            digits = rng.integers(self.base, size=(12 * count // 10 + 1_000, 2 * self.digits))
            digits[:, [0, self.digits]] = rng.integers(1, self.base, size=(len(digits), 2))
            parts.append(digits[held_out(digits) == (split == "test")])
        return self._lines(np.concatenate(parts)[:count])

    def _lines(self, digits: Lines) -> tuple[Lines, NDArray[np.bool_]]:
        first, second = digits[:, : self.digits], digits[:, self.digits :]
        sums = number(first, self.base) + number(second, self.base)
        longer = sums >= self.base**self.digits
        lines = np.full((len(digits), self.length), self.vocabulary - 1)
        lines[:, 0] = self.vocabulary - SIGNS
        parts = self._tokens(first), self._tokens(second)
        width = parts[0].shape[1]
        lines[:, 1 : 1 + width], lines[:, 1 + width] = parts[0], self.vocabulary - SIGNS + 1
        lines[:, 2 + width : 2 + 2 * width], lines[:, 2 + 2 * width] = parts[1], self.vocabulary - SIGNS + 2
        for rows, size in ((longer, self.digits + 1), (~longer, self.digits)):
            answer = self._tokens(sums[rows, None] // self.base ** np.arange(size)[::-1] % self.base)
            lines[rows, self.asked : self.asked + answer.shape[1]] = answer
        return lines, longer

    def _tokens(self, digits: Lines) -> Lines:
        """(B, chunks) the tokens of (B, A) digits."""
        ends = np.cumsum(self._sizes(digits.shape[1]))
        chunks = np.split(digits, ends[:-1], axis=1)
        return np.stack([number(chunk, self.base) + self._first(chunk.shape[1]) for chunk in chunks], axis=1)

    def _sizes(self, length: int) -> list[int]:
        """Digits of each chunk of a number of so many digits."""
        if self.cut == "digits":
            return [1] * length
        whole, rest = divmod(length, self.chunk)
        odd = [rest] if rest else []
        return [self.chunk] * whole + odd if self.cut == "left" else odd + [self.chunk] * whole

    def _first(self, size: int) -> int:
        """The number of the first chunk of `size` digits: those of fewer come before."""
        return sum(self.base**shorter for shorter in range(1, size))
