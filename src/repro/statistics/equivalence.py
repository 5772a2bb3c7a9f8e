"""Equivalence: showing that two things differ by less than a margin stated beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from repro.floor.estimate import LEVEL, Estimate
from repro.statistics.seeds import paired_t


def within_margin(
    ours: Sequence[float], theirs: Sequence[float], *, margin: float, level: float = LEVEL
) -> tuple[Estimate, float]:
    """The paired difference with its interval, and the p-value of two one-sided tests against +-margin.

    A claim of equality is settled by the interval lying inside (-margin, margin); the p-value is for the reader.

    Source: Schuirmann 1987, two one-sided tests.
    """
    from statsmodels.stats.weightstats import DescrStatsW

    if margin <= 0:
        raise ValueError(f"margin {margin}; the margin within which two things count as equal is positive")
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    p_value = DescrStatsW(difference).ttost_mean(-margin, margin)[0]
    return paired_t(ours, theirs, level=level), float(p_value)
