"""Intervals for proportions, zeros and ones included."""

from __future__ import annotations

from repro.floor.estimate import LEVEL, Estimate


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


def newcombe(ours: tuple[int, int], theirs: tuple[int, int], *, level: float = LEVEL) -> Estimate:
    """Our proportion minus theirs, (successes, n) each, by Wilson's intervals of the two.

    Source: Newcombe 1998, Interval estimation for the difference between independent proportions, method 10.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    for successes, n in (ours, theirs):
        _refuse_impossible(successes, n)
    low, high = confint_proportions_2indep(*ours, *theirs, compare="diff", method="newcomb", alpha=1 - level)
    value, n = ours[0] / ours[1] - theirs[0] / theirs[1], ours[1] + theirs[1]
    how = f"Newcombe, {ours[0]} of {ours[1]} against {theirs[0]} of {theirs[1]}"
    return Estimate(value, float(low), float(high), level, n, "", how)


def _interval(successes: int, n: int, level: float, method: str, name: str) -> Estimate:
    from statsmodels.stats.proportion import proportion_confint

    _refuse_impossible(successes, n)
    low, high = proportion_confint(successes, n, alpha=1 - level, method=method)
    return Estimate(successes / n, float(low), float(high), level, n, "", f"{name}, {successes} of {n}")


def _refuse_impossible(successes: int, n: int) -> None:
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n}; expected 0 <= successes <= n and n >= 1")
