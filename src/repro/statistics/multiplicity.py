"""How many of a book's verdicts to expect to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from repro.floor.estimate import Estimate


@dataclass(frozen=True)
class Multiplicity:
    """All measured verdicts together: how many there are, how many to expect false, how many survive control.

    Fields: `expected_false` is verdicts x (1 - level), the ceiling reached if every truth lay just across an edge
    of its region; `kept` the verdicts left when the false discovery rate is held at `rate`.
    """

    verdicts: int
    expected_false: float
    kept: int
    rate: float


def distance_p_value(estimate: Estimate, edge: float) -> float:
    """Two-sided p-value of the truth lying at `edge`, reading the interval as that of a normal estimate."""
    from scipy import stats

    side = estimate.high - estimate.value if edge > estimate.value else estimate.value - estimate.low
    if side <= 0 or np.isinf(side):
        return 0.0 if edge != estimate.value else 1.0
    sigma = side / stats.norm.ppf(0.5 + estimate.level / 2)
    return float(2 * stats.norm.sf(abs(edge - estimate.value) / sigma))


def multiplicity(p_values: Sequence[float], level: float, rate: float = 0.05) -> Multiplicity:
    """What to expect of verdicts that rest on intervals, from the p-value of each against its nearest edge.

    Source: Benjamini & Hochberg 1995, Controlling the false discovery rate.
    """
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return Multiplicity(0, 0.0, 0, rate)
    kept = multipletests(np.asarray(p_values), alpha=rate, method="fdr_bh")[0]
    return Multiplicity(len(p_values), len(p_values) * (1 - level), int(kept.sum()), rate)
