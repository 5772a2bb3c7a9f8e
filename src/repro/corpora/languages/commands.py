"""Lines with a system's order, data, and a reply to them; the data may hold an order of its own.

A line is a mark and the system's place, a mark and the data, a mark and the reply. An order is a word that orders and a
number: the reply begins with that number and repeats the digits of the data. Either place may hold an order or, in its
stead, two fillers; in the data it stands before, between or after the digits. Where both places hold one, the system's
is right.

Legend: B lines, T tokens of a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.int64]
BASE, DIGITS = 10, 4  # values of a digit, digits of the data
WORDS = 3  # that order; conflicts of training hold the first alone
ANSWER = DIGITS + 1  # tokens of a reply
NUMBER = BASE  # token of an order's number 0
SYSTEM, DATA, REPLY, FILLER, FIRST_WORD = range(2 * BASE, 2 * BASE + 5)
ASKED = 11  # tokens of a line up to its reply


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The lines and how many to draw; a context of one line suits them.

    Fields: `conflicts` share of the training lines with two orders, answered by the system's; of the others half hold
    one in the system's place and half in the data; `tokens`, `test_tokens` rounded down to whole lines.

    Raises:
        ValueError: `conflicts` is no share.
    """

    conflicts: float = 0.0
    tokens: int = 2_000_000
    test_tokens: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.conflicts <= 1:
            raise ValueError(f"conflicts is {self.conflicts}; expected a share from 0 to 1")

    @property
    def vocabulary(self) -> int:
        """Digits, numbers of orders, four signs, words that order."""
        return FIRST_WORD + WORDS

    @property
    def length(self) -> int:
        """T: tokens of a line."""
        return ASKED + ANSWER

    @property
    def entropy(self) -> None:
        """Not stated: what a line says of its kind is spread over its places."""
        return None

    def draw(self, split: str) -> NDArray[np.uint16]:
        """(tokens,) of "train" or "test", independently drawn."""
        count = max(1, (self.tokens if split == "train" else self.test_tokens) // self.length)
        rng = np.random.default_rng([self.seed, {"train": 1, "test": 2}[split]])
        kinds = rng.choice(3, size=count, p=[self.conflicts, (1 - self.conflicts) / 2, (1 - self.conflicts) / 2])
        words = np.where(kinds == 0, 0, rng.integers(WORDS, size=count))
        lines, _ = ordered_lines(rng, system=kinds != 2, data=kinds != 1, words=words)
        return lines.astype(np.uint16).reshape(-1)


def ordered_lines(
    rng: np.random.Generator, *, system: NDArray[np.bool_], data: NDArray[np.bool_], words: Lines
) -> tuple[Lines, Lines]:
    """(B, T) lines with the right reply, and (B, 5) the reply by the data's order.

    Args:
        system, data: (B,) whether that place holds an order; one of them does in each line.
        words: (B,) the word of the data's order; the system's is drawn.
    """
    count = len(words)
    digits_BD = rng.integers(BASE, size=(count, DIGITS))
    ours_B, gap_B = rng.integers(BASE, size=count), rng.integers(1, BASE, size=count)
    theirs_B = (ours_B + gap_B) % BASE  # the two orders never agree
    own_B2 = _order(rng.integers(WORDS, size=count), ours_B, system)
    within_BD = _insert(digits_BD, _order(words, theirs_B, data), rng.integers(DIGITS + 1, size=count))
    by_system_BA, by_data_BA = (np.column_stack([NUMBER + chosen_B, digits_BD]) for chosen_B in (ours_B, theirs_B))
    right_BA = np.where(system[:, None], by_system_BA, by_data_BA)
    signs = [np.full((count, 1), sign) for sign in (SYSTEM, DATA, REPLY)]
    return np.hstack([signs[0], own_B2, signs[1], within_BD, signs[2], right_BA]), by_data_BA


def _order(words: Lines, numbers: Lines, given: NDArray[np.bool_]) -> Lines:
    order = np.stack([FIRST_WORD + words, NUMBER + numbers], axis=1)
    return np.where(given[:, None], order, FILLER)


def _insert(digits_BD: Lines, order_B2: Lines, places_B: Lines) -> Lines:
    """(B, D + 2) the digits with two tokens put in before digit number `places`."""
    behind_BD = np.arange(DIGITS) >= places_B[:, None]
    at_BT = np.hstack([np.arange(DIGITS) + 2 * behind_BD, places_B[:, None] + np.arange(2)])
    whole_BT = np.empty_like(at_BT)
    np.put_along_axis(whole_BT, at_BT, np.hstack([digits_BD, order_B2]), axis=1)
    return whole_BT
