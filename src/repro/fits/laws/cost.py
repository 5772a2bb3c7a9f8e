"""What a run costs: C = 6 N D, or what a file of runs states instead, as a law of N.

Legend: N parameters, D training tokens, C floating-point operations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

SAME = 0.01  # C within 1 % of 6 N D is 6 N D, rounded
MOST_RUNS = 0.8  # where so many runs cost 6 N D, the others are mistaken


@dataclass(frozen=True)
class Cost:
    """log(C / 6 N D) as a parabola in log N; all three coefficients are 0 where C = 6 N D.

    Attention and embeddings add to 6 N D, and relatively more in small models, so counted operations follow such a law.
    span: least and greatest compute of the runs, between which exponents are read. off: the largest factor by which a
    run's own C differs from the law.
    """

    level: float = 0.0
    slope: float = 0.0
    bend: float = 0.0
    span: tuple[float, float] = (1.0, 1.0)
    off: float = 1.0

    @property
    def is_usual(self) -> bool:
        """Whether C = 6 N D."""
        return not (self.level or self.slope or self.bend)

    def excess(self, N: ArrayLike) -> Array:
        """log(C / 6 N D) at N parameters."""
        log_N = np.log(np.asarray(N, dtype=float))
        return np.asarray(self.level + (self.slope + self.bend * log_N) * log_N)

    def tokens(self, C: ArrayLike, N: ArrayLike) -> Array:
        """Tokens that C pays for at N parameters."""
        size = np.asarray(N, dtype=float)
        return np.asarray(np.asarray(C, dtype=float) / FLOP_PER_PARAMETER_TOKEN / size * np.exp(-self.excess(size)))

    def elasticity(self, N: ArrayLike) -> Array:
        """By how much log D falls per log N at equal compute: 1 where C = 6 N D; at least a tenth."""
        log_N = np.log(np.asarray(N, dtype=float))
        return np.asarray(np.maximum(1 + self.slope + 2 * self.bend * log_N, 0.1))


SIX_N_D = Cost()


def cost_of(N: ArrayLike, D: ArrayLike, C: ArrayLike) -> Cost:
    """The cost that stated compute follows: 6 N D where eight runs of ten agree with it, else least squares."""
    size, tokens, compute = (np.asarray(column, dtype=float) for column in (N, D, C))
    excess = np.log(compute / (FLOP_PER_PARAMETER_TOKEN * size * tokens))
    if np.mean(np.abs(excess) <= SAME) >= MOST_RUNS:
        return SIX_N_D
    log_N = np.log(size)
    middle, spread = float(log_N.mean()), float(log_N.std())
    bend, slope, level = np.polyfit((log_N - middle) / spread, excess, 2).tolist()
    bend, slope = bend / spread**2, slope / spread
    level, slope = level - slope * middle + bend * middle**2, slope - 2 * bend * middle
    law = Cost(level, slope, bend, (float(compute.min()), float(compute.max())))
    return replace(law, off=float(np.exp(np.abs(excess - law.excess(size)).max())))
