"""A language model that counts: interpolated n-grams with Kneser-Ney smoothing, on arrays.

V vocabulary; an n-gram is one number, its tokens the digits to base V, so that those that begin alike lie together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array


@dataclass(frozen=True)
class CountTable:
    """The n-grams of one order.

    Fields: `grams` sorted; `before[i]` the sum of the counts of those before number i; `discount` taken off each count.
    """

    grams: NDArray[np.int64]
    before: NDArray[np.int64]
    discount: float

    def counts(self, start: int, stop: int) -> NDArray[np.int64]:
        """Counts of the grams number start to stop."""
        return np.diff(self.before[start : stop + 1])


class NGrams:
    """Probabilities of a token after up to `order` - 1 others.

    After the longest history a token counts as often as it followed; after a shorter one, as many times as different
    tokens stood before the two. Each count is lowered by a discount, and the chance that this frees is given out by
    the next shorter history, at last evenly to all tokens.

    Raises:
        ValueError: an order below 1, or n-grams too many to number in 63 bits.

    Source: Kneser & Ney 1995; the interpolated form and the discount n1 / (n1 + 2 n2) as in Chen & Goodman 1999,
    "An empirical study of smoothing techniques for language modeling", sections 2.7 and 2.8.
    """

    def __init__(self, tokens: NDArray[np.integer], *, vocabulary: int, order: int) -> None:
        if order < 1 or vocabulary**order >= 2**63:
            raise ValueError(f"order {order} over {vocabulary} tokens; expected 1 or more, and V^order below 2^63")
        self.vocabulary, self.order = vocabulary, order
        grams, counts = np.unique(numbered(tokens, vocabulary, order), return_counts=True)
        tables = [_count_table(grams, counts)]
        for shorter in range(order - 1, 0, -1):
            grams, counts = np.unique(grams % vocabulary**shorter, return_counts=True)
            tables.append(_count_table(grams, counts))
        self.tables = tables[::-1]

    def law(self, history: Sequence[int]) -> Array:
        """(V,) probabilities of the token after a history, of which the last order - 1 tokens count."""
        law: Array = np.full(self.vocabulary, 1 / self.vocabulary)
        for size, table in enumerate(self.tables[: len(history) + 1]):
            number = 0
            for token in history[len(history) - size :]:
                number = number * self.vocabulary + token
            start, stop = np.searchsorted(table.grams, [number * self.vocabulary, (number + 1) * self.vocabulary])
            if start == stop:
                break  # a history that was never seen; longer ones were not either
            counts = table.counts(start, stop)
            law = law * (table.discount * (stop - start))
            law[table.grams[start:stop] % self.vocabulary] += counts - table.discount
            law /= counts.sum()
        return law

    def nats(self, tokens: NDArray[np.integer]) -> Array:
        """(length - order + 1,) surprise at each token that has a whole history before it, in nats."""
        grams = numbered(tokens, self.vocabulary, self.order)
        chance: Array = np.full(len(grams), 1 / self.vocabulary)
        for size, table in enumerate(self.tables, start=1):
            gram = grams % self.vocabulary**size
            first = gram - gram % self.vocabulary
            start, stop = (np.searchsorted(table.grams, edge) for edge in (first, first + self.vocabulary))
            place = np.minimum(np.searchsorted(table.grams, gram), len(table.grams) - 1)
            count = np.where(table.grams[place] == gram, np.diff(table.before)[place], 0)
            total = table.before[stop] - table.before[start]
            share = np.maximum(count - table.discount, 0) + table.discount * (stop - start) * chance
            chance = np.where(total > 0, share / np.maximum(total, 1), chance)
        return -np.log(chance)


def numbered(tokens: NDArray[np.integer], vocabulary: int, size: int) -> NDArray[np.int64]:
    """The number of each n-gram of `size` tokens, in the order of the text."""
    if len(tokens) < size:
        raise ValueError(f"{len(tokens)} tokens hold no {size}-gram; give a longer text")
    whole = np.asarray(tokens, dtype=np.int64)
    numbers = np.zeros(len(whole) - size + 1, dtype=np.int64)
    for place in range(size):
        numbers = numbers * vocabulary + whole[place : place + len(numbers)]
    return numbers


def _count_table(grams: NDArray[np.int64], counts: NDArray[np.int64]) -> CountTable:
    once, twice = ((counts == times).sum() for times in (1, 2))
    discount = once / (once + 2 * twice) if once and twice else 0.5
    return CountTable(grams, np.concatenate([[0], np.cumsum(counts)]), float(discount))
