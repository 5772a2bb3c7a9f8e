"""Choosing among trained arms by what they can see, comparing those chosen at equal KL, and spans over worlds.

A table has one row per trial: seed, own_loss, and lists over looks where a method was watched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from repro.statistics import student_t


def best_trials(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The row of least own loss per group and seed, sorted by these; gold chooses nothing."""
    keys = [*by, "seed"]
    return table.sort_values("own_loss").groupby(keys, sort=False).head(1).sort_values(keys).reset_index(drop=True)


def at_best_look(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The table with each column of lists over looks as three: at the best look, and as `_start` and `_end`.

    Where start and best look were read once more by more replies (`_closely`), that reading counts. A training that
    diverged has none of the three.
    """
    trials = table.copy()
    for name in columns:
        looks = zip(table[name], table["look"], table.get(f"{name}_closely", [None] * len(table)), strict=True)
        read = np.array([_start_best_end(*one) for one in looks], dtype=float)
        trials[f"{name}_start"], trials[name], trials[f"{name}_end"] = read.T
    return trials


def _start_best_end(looks: object, look: float, closely: object) -> tuple[float, float, float]:
    if not isinstance(looks, list):
        return np.nan, np.nan, np.nan
    start, best = closely if isinstance(closely, list) else (looks[0], looks[int(look)])
    return start, best, looks[-1]


def has_collapsed(trials: pd.DataFrame) -> pd.Series[bool]:
    """Whether a training ends with less than half of the valid replies that it began with, or with no policy at all."""
    return ~(trials["valid_end"] >= trials["valid_start"] / 2)


def column_of(table: pd.DataFrame, column: str, **where: object) -> list[float]:
    """A column of the rows that match, in order of seed."""
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    return [float(number) for number in table.sort_values("seed")[column]]


def have_lost(after: Sequence[float], before: Sequence[float], *, more_than: float = 0.0) -> NDArray[np.bool_]:
    """(n,) which trainings end lower than they began by more than a margin.

    "Never" and "some" are judged by their share: a mean says nothing of either, since it may rise while some lose.

    Args:
        after, before: (n,) one number per training each, in the same order.

    Raises:
        ValueError: a number that is not finite: a training that diverged has no end to read.
    """
    losses = np.asarray(before, dtype=float) - np.asarray(after, dtype=float)
    if not np.isfinite(losses).all():
        raise ValueError(f"losses {losses.tolist()} are not all finite; leave diverged runs out by name and count them")
    return np.asarray(losses > more_than)


def best_rate(rates: Sequence[float], losses: Sequence[float]) -> float:
    """The learning rate of least loss: of a parabola over its logarithm through the least loss and its neighbours.

    At an end of the grid, that end; a loss that is no number counts as infinite.
    """
    order = np.argsort(rates)
    log, loss = np.log(np.array(rates)[order]), np.nan_to_num(np.array(losses)[order], nan=np.inf, posinf=np.inf)
    least = int(loss.argmin())
    near = slice(least - 1, least + 2)
    if not 0 < least < len(loss) - 1 or not np.isfinite(loss[near]).all():
        return float(np.exp(log[least]))
    curve, slope, _ = np.polyfit(log[near], loss[near], 2)
    return float(np.exp(-slope / (2 * curve)))


def pairs_needed(
    counts: Sequence[int], scores: ArrayLike, *, share: float = 0.95, floor: float = 0.0
) -> NDArray[np.float64]:
    """The least number of pairs at which a score has gained this share of what the most pairs gain over the floor.

    Read on straight lines over the logarithm of the number. Where the smallest has gained that share already, it is the
    smallest; fewer may do.

    Args:
        counts: (N,) numbers of pairs, growing.
        scores: (..., N) the score that each number reaches.
    """
    gain, log = np.asarray(scores, dtype=float) - floor, np.log(np.asarray(counts, dtype=float))
    wanted = share * gain[..., -1:]
    after = (gain >= wanted).argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    low, high = (np.take_along_axis(gain, place, axis=-1) for place in (before, after))
    part = np.divide(wanted - low, high - low, out=np.zeros_like(low), where=after > before)
    return np.asarray(np.exp(log[before] + part * (log[after] - log[before]))[..., 0])


def range_of_rates(rates: Sequence[float], gains: Sequence[float], *, within: float) -> float:
    """Decades of learning rate over which a gain stays within a share of its greatest, on lines over the logarithm.

    What lies beyond the grid does not count, so a range that reaches an end is the least that it can be.

    Args:
        rates, gains: (n,) one per training; one that diverged has gained nothing, 0.

    Raises:
        ValueError: no training gained anything, so that none is near the best.
    """
    order = np.argsort(rates)
    log, gain = np.log10(np.array(rates)[order]), np.array(gains)[order]
    if not gain.max() > 0:
        raise ValueError(f"gains {[*gains]} hold none above 0; no rate is near the best")
    between = np.linspace(log[0], log[-1], 10_001)
    near = np.interp(between, log, gain) >= (1 - within) * gain.max()
    return float(near.mean() * (log[-1] - log[0]))


def at_equal_kl(kl: Sequence[float], gold: Sequence[float], level: float, origin: float) -> float:
    """Gold at a KL, on straight lines over its root between a method's points; the first starts at the reference, KL 0.

    Along one direction a small gain grows with the root of KL, so lines over KL itself would favour whoever has points
    near 0.

    Args:
        origin: gold of the reference.

    Raises:
        ValueError: no point lies at or beyond the level: a line is never drawn on.
    """
    if max(kl) < level:
        raise ValueError(f"no policy reaches KL {level}; the farthest has {max(kl):.3g}")
    points = sorted(zip(kl, gold, strict=True))
    roots = np.sqrt([0.0, *(distance for distance, _ in points)])
    return float(np.interp(np.sqrt(level), roots, [origin, *(worth for _, worth in points)]))


def gaps_at_equal_kl(
    trials: pd.DataFrame, ours: str, theirs: str, levels: Sequence[float], column: str = "gold"
) -> list[float]:
    """Our gold minus theirs at equal KL per seed, a mean over the levels that every seed of both reaches.

    Raises:
        ValueError: no such level.
    """
    trials = trials[trials["method"].isin([ours, theirs])]
    farthest = trials.groupby(["method", "seed"])["kl"].max().min()
    reached = [level for level in levels if level <= farthest]
    if not reached:
        raise ValueError(f"no level of {list(levels)} is reached by every seed of {ours} and {theirs}: {farthest:.3g}")
    gaps = []
    for _, part in trials.groupby("seed"):
        gold = {
            method: [
                at_equal_kl(list(rows["kl"]), list(rows[column]), level, float(rows[f"{column}_start"].mean()))
                for level in reached
            ]
            for method, rows in part.groupby("method")
        }
        gaps.append(float(np.mean(np.subtract(gold[ours], gold[theirs]))))
    return gaps


def shared_ranges(trials: pd.DataFrame, theirs: str) -> pd.DataFrame:
    """The range of KL, `near` to `far`, where a method and theirs both have points, per method and seed.

    Where no KL lies between points of both there is no row: that seed says nothing of the two at equal KL, since a line
    from the reference would only tell how far the other's nearest point is.
    """
    ends = trials.dropna(subset="kl").groupby(["method", "seed"], sort=False)["kl"].agg(["min", "max"])
    rest = ends.drop(index=theirs, level="method")
    theirs_ends = ends.loc[theirs].reindex(rest.index.get_level_values("seed")).set_index(rest.index)
    near, far = np.maximum(rest["min"], theirs_ends["min"]), np.minimum(rest["max"], theirs_ends["max"])
    return pd.DataFrame({"near": near, "far": far})[near <= far].reset_index()


def on_shared_range(
    trials: pd.DataFrame, ours: str, theirs: str, column: str, *, levels: int = 9, root: bool = True
) -> tuple[list[float], list[float]]:
    """Our and their column at equal KL per seed, means over the range of KL in which both have points of their own.

    Args:
        levels: KL at which both are read, evenly over its root from the far end of the range; 1: that end alone.
        root: whether lines between points are straight over the root of KL, or over KL itself.

    Raises:
        ValueError: no seed has such a range.
    """
    ranges = shared_ranges(trials[trials["method"].isin([ours, theirs])], theirs)
    if ranges.empty:
        raise ValueError(f"{ours} and {theirs} have no KL in common in any seed; add weights that bring them together")
    read: dict[str, list[float]] = {ours: [], theirs: []}
    stretch = np.sqrt if root else np.asarray
    for seed, near, far in ranges[["seed", "near", "far"]].itertuples(index=False):
        shared = np.linspace(np.sqrt(far), np.sqrt(near), levels) ** 2
        for method, means in read.items():
            points = (
                trials[(trials["method"] == method) & (trials["seed"] == seed)].dropna(subset="kl").sort_values("kl")
            )
            means.append(float(np.interp(stretch(shared), stretch(points["kl"]), points[column]).mean()))
    return read[ours], read[theirs]


def shares_at_equal_kl(trials: pd.DataFrame, method: str, levels: Sequence[float]) -> list[float]:
    """A method's `gain` over the `best_gain` there is at equal KL, per seed, a mean over the levels.

    Raises:
        ValueError: a level that some seed does not reach.
    """
    shares = []
    for _, one in trials[trials["method"] == method].groupby("seed"):
        gain, best = (
            [at_equal_kl(list(one["kl"]), list(one[name]), level, 0.0) for level in levels]
            for name in ("gain", "best_gain")
        )
        shares.append(float(np.mean(np.divide(gain, best))))
    return shares


def levels_within(trials: pd.DataFrame, shares: Sequence[float]) -> list[float]:
    """These shares of the KL that every seed of every method reaches; trainings that diverged reach none."""
    farthest = trials.dropna(subset="kl").groupby(["method", "seed"])["kl"].max().min()
    return [float(share * farthest) for share in shares]


def level_table(trials: pd.DataFrame, levels: Sequence[float], columns: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds with its interval per method, KL and column."""
    rows = []
    for method, part in trials.dropna(subset="kl").groupby("method"):
        for level in levels:
            for column in columns:
                mean = student_t(
                    [
                        at_equal_kl(list(one["kl"]), list(one[column]), level, float(one[f"{column}_start"].mean()))
                        for _, one in part.groupby("seed")
                    ]
                )
                rows.append([method, level, column, mean.value, mean.low, mean.high])
    return pd.DataFrame(rows, columns=["method", "kl", "column", "value", "low", "high"])


def over_worlds(table: pd.DataFrame, columns: Sequence[str], *, by: Sequence[str]) -> pd.DataFrame:
    """The greatest, least and median over worlds of each column of lists, per trial, in the table's order."""
    rows = []
    for _, trial in table.iterrows():
        row = {name: trial[name] for name in by}
        for name in columns:
            values = np.asarray(trial[name], dtype=float)
            row |= {name: values.max(), f"{name}_least": values.min(), f"{name}_median": float(np.median(values))}
        rows.append(row)
    return pd.DataFrame(rows)
