"""Bootstrap intervals, over many items only (documents, points, prompts), nested where items lie in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from repro.floor.statistics.estimate import LEVEL, Estimate

FEWEST_ITEMS = 20  # below this a bootstrap interval covers too seldom (measured in the tests); use Student's t


def percentile(
    draws: Sequence[float], value: float, *, n: int, level: float = LEVEL, unit: str = "", method: str = ""
) -> Estimate:
    """The percentile interval of bootstrap draws around the point estimate `value`.

    Args:
        draws: (resamples,) the statistic on each resample.
        n: number of items that were resampled.

    Raises:
        ValueError: too few draws for the tails that `level` asks for.
    """
    drawn = np.asarray(draws, dtype=float)
    needed = int(np.ceil(2 / (1 - level)))
    if drawn.size < needed:
        raise ValueError(f"{drawn.size} draws; a {level:.0%} percentile interval needs at least {needed}")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        float(value), float(low), float(high), level, n, unit, method or f"percentile bootstrap, {drawn.size} resamples"
    )


def bootstrap(
    items: Sequence[float],
    statistic: Callable[..., float] = np.mean,
    *,
    resamples: int = 4000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "",
) -> Estimate:
    """The statistic over many items, with its bias-corrected and accelerated interval.

    Args:
        items: (n,) one number an item, n >= 20.
        statistic: takes (items, axis=...).

    Source: Efron 1987, Better bootstrap confidence intervals.
    """
    sample = np.asarray(items, dtype=float)
    _enough(sample.size, "items")
    value = float(statistic(sample, axis=-1))
    if np.ptp(sample) == 0:  # every resample is the same, and the BCa correction would divide zero by zero
        return Estimate(value, value, value, level, sample.size, unit, "all items equal")
    result = stats.bootstrap(
        (sample,), statistic, n_resamples=resamples, confidence_level=level, method="BCa", rng=np.random.default_rng(seed)
    )
    low, high = result.confidence_interval
    return Estimate(value, float(low), float(high), level, sample.size, unit, f"BCa bootstrap over {sample.size} items")


def hierarchical(
    groups: Sequence[Sequence[float]], *, resamples: int = 4000, seed: int = 0, level: float = LEVEL, unit: str = ""
) -> Estimate:
    """The mean of group means, where groups (seeds) and the items in them (prompts) both vary.

    The spread of the group means holds the variation of both, so their t interval is used: resampling five groups
    with replacement understates their spread by a fifth. With 20 groups or more, groups and then items are resampled.

    Args:
        groups: one sequence of items a group; at least two groups.
    """
    from repro.floor.statistics.seeds import student_t

    arrays = [np.asarray(group, dtype=float) for group in groups]
    means = np.array([group.mean() for group in arrays])
    if means.size < FEWEST_ITEMS:
        return student_t(means.tolist(), level=level, unit=unit)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(resamples):
        picked = rng.integers(means.size, size=means.size)
        draws.append(np.mean([rng.choice(arrays[i], arrays[i].size).mean() for i in picked]))
    return percentile(draws, float(means.mean()), n=means.size, level=level, unit=unit,
                      method=f"bootstrap over {means.size} groups and their items")  # fmt: skip


def _enough(n: int, what: str) -> None:
    if n < FEWEST_ITEMS:
        raise ValueError(f"{n} {what}; a bootstrap needs at least {FEWEST_ITEMS}, use student_t over so few")
