"""Problems with one right answer each, as lines of equal length: addition, copying, sums, a rule shown by examples.

A line is a mark, the question, an equals sign and the answer, one token per digit. A context of one line lets a window
hold one problem. A tenth of all questions, chosen by a hash of their tokens, is kept for the test and never trained on.

Legend: B lines, T tokens of a line, n `size`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from repro.floor.identity import added

Lines = NDArray[np.int64]
ADDITIONS = ("addition", "reversed addition", "modular addition")
RULES = ("rule", "linear rule")
FAMILIES = (*ADDITIONS, "copy", "reversal", "sum", "sum in steps", *RULES)
HELD_OUT = 10  # one question in ten
BATCH = 65_536  # questions drawn at a time


@dataclass(frozen=True, kw_only=True)
class Problems:
    """A family of problems and how many to draw.

    Fields: `family` one of FAMILIES; `size` n: digits of a summand, symbols to copy, digits to sum modulo the base (in
    steps: with each partial sum written out), examples shown before the question (rule: y = x + s modulo the base, s
    hidden; linear rule: y = ax + s modulo a prime, a from 1 and s hidden), or nothing for modular addition, of two
    numbers below the base; `base` values of a token; `tokens`, `test_tokens` rounded down to whole lines; `mistaken`
    share of the training lines whose last token is one too high, modulo the base.

    Raises:
        ValueError: there is no such family, it has no problem of that size, or `mistaken` is no share.
    """

    family: str
    size: int
    base: int = 10
    tokens: int = 2_000_000
    test_tokens: int = 200_000
    seed: int = 0
    mistaken: float = added(0.0)

    def __post_init__(self) -> None:
        if not 0 <= self.mistaken <= 1:
            raise ValueError(f"mistaken is {self.mistaken}; expected a share from 0 to 1")
        if self.family not in FAMILIES:
            raise ValueError(f"family is {self.family!r}; expected one of {', '.join(FAMILIES)}")
        most = 1 if self.family == "modular addition" else self.base - 1 if self.family in RULES else 16
        if self.base < 2 or not 1 <= self.size <= most:
            raise ValueError(
                f"size {self.size} of {self.family!r} in base {self.base}; expected 1 to {most}, base 2 or more"
            )
        if self.family == "linear rule" and any(self.base % factor == 0 for factor in range(2, self.base)):
            raise ValueError(f"base {self.base} of a linear rule; expected a prime, so that two examples tell the rule")

    @property
    def vocabulary(self) -> int:
        """Digits, then the mark, the plus and the equals sign."""
        return self.base + 3

    @property
    def asked(self) -> int:
        """Tokens of a line up to its answer: after so many, the model goes on alone."""
        if self.family in RULES:
            return 2 * self.size + 2
        if self.family in ADDITIONS:
            return 4 if self.family == "modular addition" else 2 * self.size + 3
        return self.size + 2

    @property
    def length(self) -> int:
        """T: tokens of a line."""
        answer = {"addition": self.size + 1, "sum in steps": self.size - 1, "copy": self.size, "reversal": self.size}
        return self.asked + answer.get(self.family.removeprefix("reversed "), 1)

    @property
    def reply(self) -> int:
        """Last tokens of the answer that are the reply proper; what stands before them is the scratchpad."""
        return 1 if self.family == "sum in steps" else self.length - self.asked

    @property
    def entropy(self) -> float:
        """Nats a token of the questions, which no model can undercut on average: the answer follows from them."""
        free = {"addition": 2 * self.size, "modular addition": 2}.get(self.family.removeprefix("reversed "), self.size)
        nats = free * math.log(self.base)
        if self.family in RULES:  # what is hidden, and each x among those not yet shown
            nats = math.log(self.base) + sum(math.log(self.base - shown) for shown in range(self.size + 1))
            nats += math.log(self.base - 1) if self.family == "linear rule" else 0
        return (nats + math.log(1 - 1 / HELD_OUT)) / self.length

    def draw(self, split: str) -> NDArray[np.uint16]:
        """(tokens,) of "train" or "test": lines with questions of that split, independently drawn."""
        count = max(1, (self.tokens if split == "train" else self.test_tokens) // self.length)
        return self.lines(count, split).astype(np.uint16).reshape(-1)

    def lines(self, count: int, split: str) -> Lines:
        """(count, T) lines with questions of a split.

        Raises:
            ValueError: the family is so small that the split has none.
        """
        rng = np.random.default_rng([self.seed, {"train": 1, "test": 2}[split]])
        parts, have = [], 0
        while have < count:
            lines = self._lines(rng, BATCH)
            wanted = lines[held_out(lines[:, : self.asked]) == (split == "test")]
            if not len(wanted):
                raise ValueError(f"{self} has no question for {split}; ask for a larger size")
            parts.append(wanted)
            have += len(wanted)
        whole = np.concatenate(parts)[:count]
        return self._with_mistakes(rng, whole) if self.mistaken and split == "train" else whole

    def _with_mistakes(self, rng: np.random.Generator, lines_BT: Lines) -> Lines:
        lines_BT[:, -1] = (lines_BT[:, -1] + (rng.random(len(lines_BT)) < self.mistaken)) % self.base
        return lines_BT

    def unseen(self, count: int) -> Lines:
        """(at most count, T) test lines, no two alike: a small family has no more."""
        return _unseen(self, count)

    def _lines(self, rng: np.random.Generator, count: int) -> Lines:
        mark, plus, equals = (np.full((count, 1), self.base + sign) for sign in range(3))
        n, base = self.size, self.base
        if self.family in RULES:
            xs = rng.permuted(np.tile(np.arange(base), (count, 1)), axis=1)[:, : n + 1]
            shift = rng.integers(base, size=(count, 1))
            slope = rng.integers(1, base, size=(count, 1)) if self.family == "linear rule" else 1
            pairs = np.stack([xs, (slope * xs + shift) % base], axis=2)
            return np.hstack([mark, pairs.reshape(count, -1)])
        digits = rng.integers(base, size=(count, 2 * n if self.family in ADDITIONS else n))
        if self.family == "modular addition":
            return np.hstack([mark, digits, equals, digits.sum(axis=1, keepdims=True) % base])
        if self.family in ADDITIONS:
            answer = _digits(number(digits[:, :n], base) + number(digits[:, n:], base), n + 1, base)
            answer = answer[:, ::-1] if self.family.startswith("reversed") else answer
            return np.hstack([mark, digits[:, :n], plus, digits[:, n:], equals, answer])
        sums = digits.cumsum(axis=1) % base
        answers = {"copy": digits, "reversal": digits[:, ::-1], "sum": sums[:, -1:], "sum in steps": sums[:, 1:]}
        return np.hstack([mark, digits, equals, answers[self.family]])


@lru_cache(maxsize=1)  # the runs of a sweep are asked the same, and a million lines take half a minute to draw
def _unseen(problems: Problems, count: int) -> Lines:
    lines = problems.lines(2 * count, "test")
    first = np.sort(np.unique(lines, axis=0, return_index=True)[1])
    return lines[first[:count]]


def number(digits: Lines, base: int) -> Lines:
    """(B,) numbers of (B, A) digits, the most significant first."""
    return np.asarray(digits @ base ** np.arange(digits.shape[1])[::-1])


def _digits(numbers: Lines, count: int, base: int) -> Lines:
    """(B, count) most significant first."""
    return np.asarray(numbers[:, None] // base ** np.arange(count)[::-1] % base)


def held_out(questions: Lines) -> NDArray[np.bool_]:
    """Whether a question is kept for the test: a hash of its tokens, the same wherever it is drawn."""
    mixed = np.zeros(len(questions), dtype=np.uint64)
    with np.errstate(over="ignore"):  # the products are taken modulo 2^64
        for column in questions.T.astype(np.uint64):  # splitmix64 (Steele et al. 2014), a token at a time
            mixed = mixed + column + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed % np.uint64(HELD_OUT) == 0)
