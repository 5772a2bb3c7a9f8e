"""Bootstrap intervals, over many items (documents, points, prompts), nested where items lie in groups.

Over seeds only where the statistic is no mean, and there are twelve or more of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from repro.floor.arrays import Array
from repro.floor.estimate import LEVEL, Estimate
from repro.statistics.seeds import student_t

FEWEST_ITEMS = 20  # below this a bootstrap interval covers too seldom (measured in the tests); use Student's t
FEWEST_SEEDS = 12  # of mean curves; the expanded percentile interval covers from here on (measured in the tests)


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
        items: (n,) one number per item, n >= 20.
        statistic: takes (items, axis=...).

    Source: Efron 1987, Better bootstrap confidence intervals.
    """
    from scipy import stats

    sample = np.asarray(items, dtype=float)
    _enough(sample.size, "items")
    value = float(statistic(sample, axis=-1))
    if np.ptp(sample) == 0:  # every resample is the same, and the BCa correction would divide zero by zero
        return Estimate(value, value, value, level, sample.size, unit, "all items equal")
    result = stats.bootstrap(
        (sample,),
        statistic,
        n_resamples=resamples,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return Estimate(value, float(low), float(high), level, sample.size, unit, f"BCa bootstrap over {sample.size} items")


def joint_bootstrap(
    statistic: Callable[..., float],
    *items: Sequence[float],
    resamples: int = 4000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "",
) -> Estimate:
    """A statistic of several numbers per item, such as a ratio of totals, with its percentile interval.

    Args:
        statistic: takes the lists, resampled by the same draw.
        items: (n,) each, n >= 20.
    """
    lists = [np.asarray(one, dtype=float) for one in items]
    n = len(lists[0])
    _enough(n, "items")
    rng = np.random.default_rng(seed)
    draws = [statistic(*(one[drawn] for one in lists)) for drawn in rng.integers(n, size=(resamples, n))]
    return percentile(draws, statistic(*lists), n=n, level=level, unit=unit)


def resampled_seeds(
    statistic: Callable[..., Array],
    *curves: ArrayLike,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "",
    of: str = "seeds",
) -> Estimate:
    """A statistic of mean curves over a dozen seeds or more, with its expanded percentile interval.

    So few seeds make a percentile interval too narrow: its quantiles are moved out as far as Student's t lies beyond a
    normal law, and n beyond n - 1.

    Args:
        statistic: takes the mean curves, (..., N) each, and gives a number per curve, (...).
        curves: (seeds, N) each, one row per seed in the same order, seeds >= 12.
        of: what the rows are of, if not of seeds.

    Raises:
        ValueError: fewer than twelve seeds.

    Source: Hesterberg 2015, What teachers should know about the bootstrap (arXiv:1411.5279), section 4.
    """
    from scipy import stats

    tables = [np.asarray(one, dtype=float) for one in curves]
    n = len(tables[0])
    if n < FEWEST_SEEDS:
        raise ValueError(f"{n} {of}; resampling needs at least {FEWEST_SEEDS}, use student_t over so few")
    weights = np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=resamples) / n
    draws = statistic(*(weights @ table for table in tables))
    reach = math.sqrt(n / (n - 1)) * stats.t.ppf(0.5 + level / 2, n - 1)
    value = float(statistic(*(table.mean(axis=0) for table in tables)))
    wide = percentile(list(draws), value, n=n, level=1 - 2 * float(stats.norm.sf(reach)), unit=unit)
    return replace(wide, level=level, method=f"expanded percentile bootstrap over {n} {of}, {resamples} resamples")


def hierarchical(
    groups: Sequence[Sequence[float]], *, resamples: int = 4000, seed: int = 0, level: float = LEVEL, unit: str = ""
) -> Estimate:
    """The mean of group means, where groups (seeds) and the items in them (prompts) both vary.

    The spread of the group means already holds the variation of both, so groups are what is resampled (resampling
    their items as well would count those twice); with fewer than 20 groups Student's t takes the bootstrap's place.

    Args:
        groups: the items of each group; at least two groups.

    Source: Davison & Hinkley 1997, Bootstrap methods and their application, section 3.8.
    """
    means = [float(np.mean(group)) for group in groups]
    if len(means) < FEWEST_ITEMS:
        return student_t(means, level=level, unit=unit, of="groups")
    return bootstrap(means, resamples=resamples, seed=seed, level=level, unit=unit)


def _enough(n: int, what: str) -> None:
    if n < FEWEST_ITEMS:
        raise ValueError(f"{n} {what}; a bootstrap needs at least {FEWEST_ITEMS}, use student_t over so few")
