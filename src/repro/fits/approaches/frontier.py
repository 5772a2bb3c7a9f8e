"""The compute-optimal frontier N* = G C^a as a straight line through (log C, log N*).

Legend: P resamples, k budgets (or runs) on the frontier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.fits.laws.cost import SIX_N_D, Cost
from repro.floor.arrays import Array


@dataclass(frozen=True)
class Frontier:
    """A power law N* = G C^a, the minima it runs through, and how many runs stood behind them.

    C, N, loss: (k,) budget, size and loss of each minimum. runs: number of runs used. log_G: natural logarithm of G.
    cost: what C pays for.
    """

    a: float
    log_G: float
    C: Array
    N: Array
    loss: Array
    runs: int
    cost: Cost = SIX_N_D

    @property
    def b(self) -> float:
        """Exponent of D* ~ C^b: 1 - a where C = 6 N D."""
        return 1 - self.a

    def optimum(self, C: ArrayLike) -> tuple[Array, Array]:
        """Optimal size and tokens at C floating-point operations."""
        return _optimum(np.asarray(self.a), np.asarray(self.log_G), C, self.cost)

    def tokens_per_parameter(self, C: ArrayLike) -> Array:
        """Compute-optimal D*/N* at C floating-point operations."""
        size, tokens = self.optimum(C)
        return np.asarray(tokens / size)


@dataclass(frozen=True)
class FrontierDraws:
    """Power laws refitted to resampled runs.

    a, log_G: (draws,) of the resamples that leave a line. lost: number of resamples that leave none, having fewer than
    two minima.
    """

    a: Array
    log_G: Array
    lost: int
    cost: Cost = SIX_N_D

    def optimum(self, C: float) -> tuple[Array, Array]:
        """(draws,) optimal sizes and tokens at C floating-point operations."""
        return _optimum(self.a, self.log_G, C, self.cost)

    def tokens_per_parameter(self, C: float) -> Array:
        """(draws,) compute-optimal D*/N* at C floating-point operations."""
        size, tokens = self.optimum(C)
        return np.asarray(tokens / size)


def lines(x: Array, y: Array, weights: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Slopes, intercepts and soundness (P,) of weighted least-squares lines.

    Args:
        x, y, weights: (P, k); y is ignored where its weight is 0. A line through fewer than two distinct x is not
            sound, and its slope and intercept are 0.
    """
    total = weights.sum(axis=1)
    safe = np.maximum(total, 1e-300)[:, None]
    known = np.where(weights > 0, y, 0.0)
    x_mean = (weights * x).sum(axis=1, keepdims=True) / safe
    y_mean = (weights * known).sum(axis=1, keepdims=True) / safe
    spread = (weights * (x - x_mean) ** 2).sum(axis=1)
    sound = spread > 1e-12 * np.maximum(total, 1e-300)
    slope = (weights * (x - x_mean) * (known - y_mean)).sum(axis=1) / np.where(sound, spread, 1.0) * sound
    return slope, (y_mean - slope[:, None] * x_mean)[:, 0] * sound, sound


def sound_draws(slope: Array, intercept: Array, sound: NDArray[np.bool_], cost: Cost = SIX_N_D) -> FrontierDraws:
    """The (P,) lines of resamples, without those of resamples that leave none.

    Raises:
        ValueError: no resample leaves a line.
    """
    if not sound.any():
        raise ValueError(f"none of {len(sound)} resamples holds minima at two budgets; more runs are needed")
    return FrontierDraws(slope[sound], intercept[sound], int((~sound).sum()), cost)


def _optimum(a: Array, log_G: Array, C: ArrayLike, cost: Cost) -> tuple[Array, Array]:
    compute = np.asarray(C, dtype=float)
    size = np.exp(log_G + a * np.log(compute))
    return np.asarray(size), cost.tokens(compute, size)
