"""Zipf's law on a grid of integers, so that draws and entropy are the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GRID = 2.0**40  # the commonest item's weight; what rounds to 0 here would never be drawn from any sample we can hold


@dataclass(frozen=True)
class Zipf:
    """p_k proportional to k**-exponent over k = 1 ... items, the weights rounded to integers.

    Indices count from 0: index 0 is rank 1. An exponent of 0 is the uniform law.
    """

    items: int
    exponent: float

    def __post_init__(self) -> None:
        if self.items < 1 or self.exponent < 0:
            raise ValueError(f"{self}: expected at least one item and an exponent of 0 or more")

    @property
    def _weights(self) -> np.ndarray:
        """(items,) int64; one unit in the last place of a power moves no weight that matters."""
        ranks = np.arange(1, self.items + 1, dtype=np.float64)
        return np.rint(GRID * ranks**-self.exponent).astype(np.int64)

    @property
    def p(self) -> np.ndarray:
        """(items,) probabilities, exactly those that `draw` draws with."""
        weights = self._weights
        law: np.ndarray = weights / weights.sum()
        return law

    @property
    def entropy(self) -> float:
        """Nats per draw."""
        return entropy(self.p)

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """(size,) int64 indices; the first n of a longer draw are a draw of n."""
        upper = np.cumsum(self._weights)
        return np.searchsorted(upper, rng.integers(0, int(upper[-1]), size), side="right")


def entropy(p: np.ndarray) -> float:
    """Entropy of a law of (K,) probabilities, in nats."""
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum())
