"""From sweeps over altered texts to shares, doses and what unlearning left.

A table has one row per trial, with `seed` and the numbers of its measurement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from repro.floor.estimate import Estimate
from repro.statistics import clopper_pearson, newcombe


def by_copies(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per trial and number of copies, with `continued`, `nats`, `exposure` of so many `strings`."""
    lists = ["copies", "strings", "continued", "nats", "exposure"]
    rest = [column for column in ("arm", "seed") if column in trials]
    return trials[[*rest, *lists]].explode(lists, ignore_index=True).infer_objects()


def counted(rows: pd.DataFrame, *copies: int) -> tuple[int, int]:
    """Strings at these numbers of copies that were continued, and all of them, over all seeds.

    Raises:
        ValueError: no row has such a number.
    """
    part = rows[rows["copies"].isin(copies)]
    if part.empty:
        raise ValueError(f"no strings of {copies} copies; there are {sorted(set(rows['copies']))}")
    return round((part["continued"] * part["strings"]).sum()), int(part["strings"].sum())


def more_continued(rows: pd.DataFrame, many: int, few: int) -> Estimate:
    """The share of strings continued at `many` copies minus that at `few`, over the strings of all seeds."""
    return newcombe(counted(rows, many), counted(rows, few))


def off_the_line(rows: pd.DataFrame, few: int, middle: int, many: int) -> Estimate:
    """The share continued at `middle` copies minus what lies half way between `few` and `many`.

    Where `middle` is the geometric mean of the two, a share that grows in a straight line over log copies gives 0. The
    strings of both ends, equal in number, are counted as one sample.
    """
    return newcombe(counted(rows, middle), counted(rows, few, many))


def any_continued(rows: pd.DataFrame) -> Estimate:
    """The share continued of all strings that were put into the text, at whatever number of copies."""
    return clopper_pearson(*counted(rows, *sorted(set(rows["copies"]) - {0})))


def by_seed(trials: pd.DataFrame, arm: str, column: str) -> list[float]:
    """A column of one arm, in order of seed."""
    return list(trials[trials["arm"] == arm].sort_values("seed")[column].astype(float))


def minus(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours minus theirs, seed by seed."""
    return [one - other for one, other in zip(ours, theirs, strict=True)]


def half_dose(doses: Sequence[float], success: Sequence[float]) -> float | None:
    """The dose at which success first crosses one half, on straight lines over the logarithm of the dose.

    None where it is a half at the least dose already, or at no dose.
    """
    order = np.argsort(doses)
    log, share = np.log(np.asarray(doses, dtype=float)[order]), np.asarray(success, dtype=float)[order]
    above = np.flatnonzero(share >= 0.5)
    if not above.size or above[0] == 0:
        return None
    place = int(above[0])
    return math.exp(np.interp(0.5, share[place - 1 : place + 1], log[place - 1 : place + 1]))


def half_doses(trials: pd.DataFrame, windows: int) -> list[float | None]:
    """`half_dose` of each seed in order, for texts of so many `windows`; those without `poison` are left out."""
    part = trials[(trials["windows"] == windows) & (trials["poison"] > 0)]
    return [half_dose(list(rows["poison"]), list(rows["success"])) for _, rows in part.groupby("seed")]


def log_ratios(ours: Sequence[float | None], theirs: Sequence[float | None]) -> list[float]:
    """The logarithm of ours over theirs, seed by seed; empty where one of them is missing."""
    pairs = [(one, other) for one, other in zip(ours, theirs, strict=True) if one and other]
    return [math.log(one / other) for one, other in pairs] if len(pairs) == len(ours) else []


def chosen_rate(trials: pd.DataFrame, way: str) -> pd.DataFrame:
    """The trials of a way of unlearning at the learning rate of least mean validation loss, in order of seed.

    Only rates are eligible at which every seed's strings cost at least what they cost the retrained model.

    Raises:
        ValueError: there is no such rate.
    """
    part = trials[trials["way"] == way]
    reached = (part["nats"] >= part["goal"]).groupby(part["learning_rate"]).all()
    means = part.groupby("learning_rate")["validation"].mean()[reached]
    if means.empty:
        raise ValueError(f"no learning rate of {way!r} unlearned the strings of every seed; give more steps or rates")
    return part[part["learning_rate"] == means.idxmin()].sort_values("seed")
