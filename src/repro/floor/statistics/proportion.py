"""Intervals for proportions, zeros and ones included."""

from __future__ import annotations

from statsmodels.stats.proportion import proportion_confint

from repro.floor.statistics.estimate import LEVEL, Estimate


def wilson(successes: int, n: int, *, level: float = LEVEL) -> Estimate:
    """A proportion with Wilson's interval, whose coverage is near the nominal one on average.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    return _interval(successes, n, level, "wilson", "Wilson")


def clopper_pearson(successes: int, n: int, *, level: float = LEVEL) -> Estimate:
    """A proportion with the exact interval, whose coverage is never below the nominal one.

    Source: Clopper & Pearson 1934, The use of confidence or fiducial limits.
    """
    return _interval(successes, n, level, "beta", "Clopper-Pearson")


def _interval(successes: int, n: int, level: float, method: str, name: str) -> Estimate:
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n}; expected 0 <= successes <= n and n >= 1")
    low, high = proportion_confint(successes, n, alpha=1 - level, method=method)
    return Estimate(successes / n, float(low), float(high), level, n, "", f"{name}, {successes} of {n}")
