"""Products of two numbers, as lines of equal length whose reply is the product or a call of a calculator.

A line is a mark, the first factor, a times sign, the second factor, an equals sign, the reply and an end; padding fills
it up. A reply is the product, its last digit first, or a call: both factors again, between a call sign and the end. The
factors of a line have equally many digits, the first digit any. A tenth of all questions is kept for the test.

Legend: B lines, T tokens of a line, n digits of a factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.corpora.languages.problems import held_out, number

Lines = NDArray[np.int64]
BASE = 10
MARK, TIMES, EQUALS, CALL, END, PAD = range(BASE, BASE + 6)


@dataclass(frozen=True, kw_only=True)
class Products:
    """The lines and how many to draw; a context of one line suits them.

    Fields: `lengths` digits of a factor in training, each equally often; `longest` digits that a line has room for;
    `called` whether the reply is a call; `tokens`, `test_tokens` rounded down to whole lines.

    Raises:
        ValueError: no lengths, or one that a line has no room for.
    """

    lengths: tuple[int, ...]
    longest: int
    called: bool
    tokens: int = 2_000_000
    test_tokens: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.lengths or not 1 <= min(self.lengths) <= max(self.lengths) <= self.longest <= 9:
            raise ValueError(f"lengths {self.lengths} of at most {self.longest} digits; expected 1 to 9, one or more")

    @property
    def vocabulary(self) -> int:
        """Digits, then the signs."""
        return BASE + 6

    @property
    def length(self) -> int:
        """T: tokens of a line."""
        return 4 * self.longest + (6 if self.called else 4)

    @property
    def entropy(self) -> None:
        """Not stated: the questions kept for the test are no exact tenth of the short ones."""
        return None

    def draw(self, split: str) -> NDArray[np.uint16]:
        """(tokens,) of "train" or "test": lines of all `lengths`, shuffled."""
        count = max(1, (self.tokens if split == "train" else self.test_tokens) // self.length)
        parts = [self.lines(-(-count // len(self.lengths)), length, split) for length in self.lengths]
        order = np.random.default_rng([self.seed, 3]).permutation(sum(map(len, parts)))[:count]
        return np.concatenate(parts)[order].astype(np.uint16).reshape(-1)

    def lines(self, count: int, length: int, split: str) -> Lines:
        """(count, T) lines whose factors have `length` digits, with questions of a split; short ones repeat."""
        rng = np.random.default_rng([self.seed, length, {"train": 1, "test": 2}[split]])
        parts: list[Lines] = []
        while sum(map(len, parts)) < count:
            lines = self._lines(rng.integers(BASE, size=(2 * count + 100, 2 * length)))
            parts.append(lines[held_out(lines[:, : asked(length)]) == (split == "test")])
        return np.concatenate(parts)[:count]

    def _lines(self, digits: Lines) -> Lines:
        count, length = len(digits), digits.shape[1] // 2
        first, second = digits[:, :length], digits[:, length:]
        mark, times, equals, call, end = (np.full((count, 1), sign) for sign in (MARK, TIMES, EQUALS, CALL, END))
        reply = np.hstack([call, first, times, second]) if self.called else product_digits(first, second)
        line = np.hstack([mark, first, times, second, equals, reply, end])
        return np.pad(line, ((0, 0), (0, self.length - line.shape[1])), constant_values=PAD)


def asked(length: int) -> int:
    """Tokens of a line up to its reply."""
    return 2 * length + 3


def product_digits(first: Lines, second: Lines) -> Lines:
    """(B, 2 n) digits of the products of (B, n) factors, the last digit first."""
    products, places = number(first, BASE) * number(second, BASE), np.arange(2 * first.shape[1])
    return np.asarray(products[:, None] // BASE**places % BASE)
