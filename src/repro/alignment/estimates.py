"""Choosing among trained arms by what they can see, and comparing those chosen at equal KL.

A table holds a row a trial: seed, own_loss, and lists over looks where a method was watched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from repro.statistics import student_t


def tuned(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """For each group and seed the row of least own loss, sorted by these; gold chooses nothing."""
    keys = [*by, "seed"]
    return table.sort_values("own_loss").groupby(keys, sort=False).head(1).sort_values(keys).reset_index(drop=True)


def at_looks(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The table with each column of lists as three: at the look that was kept, and as `_start` and `_end`.

    A training that diverged has none of the three.
    """
    told = table.copy()
    for name in columns:
        lists = list(zip(table[name], table["look"], strict=True))
        told[name] = [looks[int(look)] if isinstance(looks, list) else np.nan for looks, look in lists]
        for end, place in (("start", 0), ("end", -1)):
            told[f"{name}_{end}"] = [looks[place] if isinstance(looks, list) else np.nan for looks, _ in lists]
    return told


def collapsed(told: pd.DataFrame) -> pd.Series[bool]:
    """Whether a training ends with less than half of the valid replies that it began with, or with no policy at all."""
    return ~(told["valid_end"] >= told["valid_start"] / 2)


def column_of(table: pd.DataFrame, column: str, **where: object) -> list[float]:
    """A column of the rows that match, in order of seed."""
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    return [float(number) for number in table.sort_values("seed")[column]]


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
    roots = np.sqrt([0.0, *(at for at, _ in points)])
    return float(np.interp(np.sqrt(level), roots, [origin, *(worth for _, worth in points)]))


def gaps_at_equal_kl(
    told: pd.DataFrame, ours: str, theirs: str, levels: Sequence[float], column: str = "gold"
) -> list[float]:
    """For each seed our gold minus theirs at equal KL, a mean over the levels that every seed of both reaches.

    Raises:
        ValueError: no such level.
    """
    told = told[told["method"].isin([ours, theirs])]
    farthest = told.groupby(["method", "seed"])["kl"].max().min()
    reached = [level for level in levels if level <= farthest]
    if not reached:
        raise ValueError(f"no level of {list(levels)} is reached by every seed of {ours} and {theirs}: {farthest:.3g}")
    gaps = []
    for _, part in told.groupby("seed"):
        at = {
            method: [
                at_equal_kl(list(rows["kl"]), list(rows[column]), level, float(rows[f"{column}_start"].mean()))
                for level in reached
            ]
            for method, rows in part.groupby("method")
        }
        gaps.append(float(np.mean(np.subtract(at[ours], at[theirs]))))
    return gaps


def shares_at_equal_kl(told: pd.DataFrame, method: str, levels: Sequence[float]) -> list[float]:
    """For each seed what a method has of the most that can be gained, at equal KL: `gain` over `best_gain`, a mean.

    Raises:
        ValueError: a level that some seed does not reach.
    """
    found = []
    for _, one in told[told["method"] == method].groupby("seed"):
        gain, best = (
            [at_equal_kl(list(one["kl"]), list(one[name]), level, 0.0) for level in levels]
            for name in ("gain", "best_gain")
        )
        found.append(float(np.mean(np.divide(gain, best))))
    return found


def levels_within(told: pd.DataFrame, shares: Sequence[float]) -> list[float]:
    """These shares of the KL that every seed of every method reaches; trainings that diverged reach none."""
    farthest = told.dropna(subset="kl").groupby(["method", "seed"])["kl"].max().min()
    return [float(share * farthest) for share in shares]


def by_level(told: pd.DataFrame, levels: Sequence[float], columns: Sequence[str]) -> pd.DataFrame:
    """Each column at each KL, a row a method, level and column: the mean over seeds with its interval."""
    rows = []
    for method, part in told.dropna(subset="kl").groupby("method"):
        for level in levels:
            for column in columns:
                found = student_t(
                    [
                        at_equal_kl(list(one["kl"]), list(one[column]), level, float(one[f"{column}_start"].mean()))
                        for _, one in part.groupby("seed")
                    ]
                )
                rows.append([method, level, column, found.value, found.low, found.high])
    return pd.DataFrame(rows, columns=["method", "kl", "column", "value", "low", "high"])
