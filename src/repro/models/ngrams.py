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
class Counted:
    """The n-grams of one order: `grams` sorted, `before[i]` the sum of the counts of those before i, `discount`."""

    grams: NDArray[np.int64]
    before: NDArray[np.int64]
    discount: float

    def counts(self, start: int, stop: int) -> NDArray[np.int64]:
        """Counts of the grams number start to stop."""
        return np.diff(self.before[start : stop + 1])


class NGrams:
    """Probabilities of a token after up to `order` - 1 others.

    The longest history counts how often a token followed it, shorter ones after how many different tokens it did; each
    count is lowered by a discount, and what that frees goes to the next shorter history, at last to all tokens evenly.

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
        tables = [_counted(grams, counts)]
        for shorter in range(order - 1, 0, -1):
            grams, counts = np.unique(grams % vocabulary**shorter, return_counts=True)
            tables.append(_counted(grams, counts))
        self.tables = tables[::-1]

    def law(self, history: Sequence[int]) -> Array:
        """(V,) probabilities of the token after a history, of which the last order - 1 tokens count."""
        found: Array = np.full(self.vocabulary, 1 / self.vocabulary)
        for size, table in enumerate(self.tables[: len(history) + 1]):
            number = 0
            for token in history[len(history) - size :]:
                number = number * self.vocabulary + token
            start, stop = np.searchsorted(table.grams, [number * self.vocabulary, (number + 1) * self.vocabulary])
            if start == stop:
                break  # a history that was never seen; longer ones were not either
            counts = table.counts(start, stop)
            found = found * (table.discount * (stop - start))
            found[table.grams[start:stop] % self.vocabulary] += counts - table.discount
            found /= counts.sum()
        return found

    def nats(self, tokens: NDArray[np.integer]) -> Array:
        """(length - order + 1,) surprise at each token that has a whole history before it, in nats."""
        grams = numbered(tokens, self.vocabulary, self.order)
        found: Array = np.full(len(grams), 1 / self.vocabulary)
        for size, table in enumerate(self.tables, start=1):
            gram = grams % self.vocabulary**size
            first = gram - gram % self.vocabulary
            start, stop = (np.searchsorted(table.grams, edge) for edge in (first, first + self.vocabulary))
            place = np.minimum(np.searchsorted(table.grams, gram), len(table.grams) - 1)
            count = np.where(table.grams[place] == gram, np.diff(table.before)[place], 0)
            total = table.before[stop] - table.before[start]
            kept = np.maximum(count - table.discount, 0) + table.discount * (stop - start) * found
            found = np.where(total > 0, kept / np.maximum(total, 1), found)
        return -np.log(found)


def numbered(tokens: NDArray[np.integer], vocabulary: int, size: int) -> NDArray[np.int64]:
    """The number of each `size` tokens in a row."""
    if len(tokens) < size:
        raise ValueError(f"{len(tokens)} tokens hold no {size}-gram; give a longer text")
    whole = np.asarray(tokens, dtype=np.int64)
    found = np.zeros(len(whole) - size + 1, dtype=np.int64)
    for place in range(size):
        found = found * vocabulary + whole[place : place + len(found)]
    return found


def _counted(grams: NDArray[np.int64], counts: NDArray[np.int64]) -> Counted:
    once, twice = ((counts == times).sum() for times in (1, 2))
    discount = once / (once + 2 * twice) if once and twice else 0.5
    return Counted(grams, np.concatenate([[0], np.cumsum(counts)]), float(discount))
