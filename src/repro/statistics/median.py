"""The median with an interval that needs no law of the values and that single wild ones cannot widen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from repro.floor.estimate import LEVEL, Estimate


def median_interval(values: Sequence[float], *, level: float = LEVEL, unit: str = "") -> Estimate:
    """The median of independent values, between the two of them that the sign test at `level` does not reject.

    From 12 values on, the interval at 99 % leaves out the lowest and the highest, so one bad round of a timing moves
    its ends no further than to the next round.

    Raises:
        ValueError: too few values for the level (at 99 %: fewer than 8), or one that is not finite.

    Source: Conover 1999, Practical Nonparametric Statistics, section 3.2 (scipy's quantile_test).
    """
    from scipy import stats

    sample = np.asarray(values, dtype=float)
    if not np.isfinite(sample).all():
        raise ValueError(f"{values!r} holds NaN or infinity; leave out by name what was not measured")
    if 1 - 2.0 ** (1 - sample.size) < level:
        raise ValueError(f"{sample.size} values; their whole range holds the median with less than {level:.0%}")
    ends = stats.quantile_test(sample, p=0.5).confidence_interval(level)
    return Estimate(
        float(np.median(sample)),
        float(ends.low),
        float(ends.high),
        level,
        sample.size,
        unit,
        f"order statistics of {sample.size} values",
    )
