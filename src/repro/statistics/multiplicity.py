"""How many of a book's verdicts to expect to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from repro.floor.estimate import Estimate


@dataclass(frozen=True)
class Multiplicity:
    """All judged findings together: how many were decided, how many of these to expect false, how many survive control.

    Fields: `judged` findings with an interval, `decided` those whose interval excludes the nearest edge;
    `expected_false` is judged x (1 - level), the ceiling reached if every truth lay just across an edge of its region;
    `kept` the decided ones left when the false discovery rate over all judged is held at `rate`.
    """

    judged: int
    decided: int
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


def multiplicity(p_values: Sequence[float], level: float) -> Multiplicity:
    """What to expect of verdicts that rest on intervals, from the p-value of each against its nearest edge.

    Args:
        p_values: of all that was judged, the undecided too: a family of decided verdicts alone, each chosen for its
            p-value, would survive any control.
        level: of the intervals; the false discovery rate is held at what they leave.

    Source: Benjamini & Hochberg 1995, Controlling the false discovery rate.
    """
    from statsmodels.stats.multitest import multipletests

    rate = 1 - level
    if not p_values:
        return Multiplicity(0, 0, 0.0, 0, rate)
    kept = multipletests(np.asarray(p_values), alpha=rate, method="fdr_bh")[0]
    decided = sum(p_value <= rate for p_value in p_values)
    return Multiplicity(len(p_values), decided, len(p_values) * rate, int(kept.sum()), rate)
