"""How abruptly a score grows with compute: in its early half, in its late half, or all at once.

Legend: x log10 of compute, y a score of which larger is better, h half the range of x.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.abilities.configurations import FEWEST
from repro.floor.arrays import Array
from repro.floor.measurement import Number
from repro.statistics import LEVEL

ABRUPT = 3.0  # the late half gains more than this many times what the early half does; at a steady pace it is once
SHAPES = ("abrupt", "smooth", "unclear", "no gain")


@dataclass(frozen=True)
class Bend:
    """A score against x as a line that bends once, in the middle of the range.

    Fields: `early`, `late` what either half gains, in units of the score, with the standard error of `early`; one-sided
    p-values of no gain at all (`p_gain`), of a late half that gains at most three times the early one (`p_abrupt`) and
    of one that gains at least that (`p_smooth`), by t of n - 3 degrees of freedom.
    """

    early: float
    late: float
    early_error: float
    freedom: int
    p_gain: float
    p_abrupt: float
    p_smooth: float

    @property
    def gain(self) -> float:
        """What the whole range gains."""
        return self.early + self.late


def bend(x: ArrayLike, y: ArrayLike) -> Bend:
    """Fit the bent line by least squares; errors allow for noise that changes along it (HC3).

    Raises:
        ValueError: fewer than eight runs.

    Source: MacKinnon & White 1985, Some heteroskedasticity-consistent covariance matrix estimators.
    """
    import statsmodels.api as sm

    places, scores = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if places.size < FEWEST:
        raise ValueError(f"{places.size} runs; a line that bends needs at least {FEWEST}")
    half = np.ptp(places) / 2
    forward = (places - places.min()) / half  # 0 to 2, so that a slope is the gain of a half
    fit = sm.OLS(scores, np.column_stack([np.ones_like(forward), forward, np.maximum(0, forward - 1)])).fit(
        cov_type="HC3", use_t=True
    )
    (_, first, more), freedom = fit.params, int(fit.df_resid)
    gain, lateness = fit.t_test([0, 2, 1]), fit.t_test([0, 1 - ABRUPT, 1])
    above = _one_sided(lateness)
    return Bend(float(first), float(first + more), float(fit.bse[1]), freedom, _one_sided(gain), above, 1 - above)


def _one_sided(test: Any) -> float:
    """P-value of a t-test's contrast being no more than zero."""
    two, above = float(test.pvalue), float(test.effect[0]) > 0
    return two / 2 if above else 1 - two / 2


def shapes(bends: pd.DataFrame, rate: float = 1 - LEVEL) -> list[str]:
    """The shape of each task's growth: abrupt, smooth, unclear, or no gain.

    Args:
        bends: a row per task with the columns p_gain, p_abrupt, p_smooth.
        rate: of false discoveries over all tasks, which Benjamini & Hochberg's procedure holds for each of the three.
    """
    from statsmodels.stats.multitest import multipletests

    gains, late, early = (
        multipletests(np.maximum(bends["p_gain"], bends[name]), alpha=rate, method="fdr_bh")[0]
        for name in ("p_gain", "p_abrupt", "p_smooth")
    )
    return [_shape(*each) for each in zip(gains, late, early, strict=True)]


def _shape(gains: bool, late: bool, early: bool) -> str:
    if late or early:
        return "abrupt" if late else "smooth"
    return "unclear" if gains else "no gain"


def seen_jumps(
    x: ArrayLike, *, gain: float, noise: float, among: int, rate: float = 1 - LEVEL, tries: int = 100, seed: int = 0
) -> float:
    """The share of planted jumps that the rule calls abrupt: its power at these places.

    A score is flat but for a jump by `gain` at three quarters of the range, and each run adds normal noise. The jump is
    the only one `among` so many tasks, so its p-values must lie below the rate of false discoveries over their number.
    """
    places, generator = np.asarray(x, dtype=float), np.random.default_rng(seed)
    jump = gain * (places >= places.min() + 0.75 * np.ptp(places))
    bends = [bend(places, jump + generator.normal(scale=noise, size=places.size)) for _ in range(tries)]
    return float(np.mean([max(line.p_gain, line.p_abrupt) <= rate / among for line in bends]))


def task_table(row: Mapping[Any, Any], *, level: float = LEVEL) -> pd.DataFrame:
    """The tasks of one record, a row per task: its shape, its emergence score, and the early half's part of the gain.

    `share` is early over whole gain, `low` and `high` its interval with the whole gain taken as known; half of the gain
    falls to the early half at a steady pace, a quarter at the edge of `abrupt`.
    """
    from scipy import stats

    names = ("early", "late", "early_error", "freedom", "p_gain", "p_abrupt", "p_smooth", "score", "runs")
    table = pd.DataFrame({"task": row["tasks"], "metric": row["metric"], **{name: row[name] for name in names}})
    gain, reach = table["early"] + table["late"], stats.t.ppf(0.5 + level / 2, table["freedom"]) * table["early_error"]
    ends = [(table["early"] + side * reach) / gain for side in (-1, 1)]
    return table.assign(shape=shapes(table), share=table["early"] / gain, low=np.minimum(*ends), high=np.maximum(*ends))


def by_benchmark(tasks: pd.DataFrame) -> pd.DataFrame:
    """Tasks with the parts of one benchmark as one: `benchmark`, `metric`, `smooth`, `share`, `score`.

    Parts are scored on the same models in the same way, so each is no evidence of its own. `smooth` if all parts are;
    `share` and the size of `score` are means over the parts.
    """
    alike = tasks.assign(
        benchmark=tasks["task"].str.replace("^mmlu_.*", "mmlu", regex=True),
        smooth=tasks["shape"] == "smooth",
        score=tasks["score"].abs(),
    )
    return alike.groupby(["metric", "benchmark"]).agg({"smooth": "all", "share": "mean", "score": "mean"}).reset_index()


def rescaled(row: Mapping[Any, Any]) -> pd.DataFrame:
    """The curves of one record: task, metric, log10 of compute `x`, `progress` from worst score (0) to best (1).

    Empty where the record keeps no scores, being too many.
    """
    if not row["y"]:
        return pd.DataFrame(columns=["x", "task", "progress", "metric"])
    wide = pd.DataFrame(np.array(row["y"], dtype=float).reshape(len(row["tasks"]), -1).T, row["x"], row["tasks"])
    long = (
        ((wide - wide.min()) / (wide.max() - wide.min()))
        .rename_axis(index="x")
        .reset_index()
        .melt("x", var_name="task", value_name="progress")
    )
    return long.dropna().assign(metric=row["metric"])


def by_compute(scores: pd.Series[float]) -> Array:
    """Scores in order of compute, in which runs of equal compute count as one, with their mean score."""
    return np.asarray(scores.groupby(level=0).mean(), dtype=float)


def five_digits(values: Sequence[float] | ArrayLike) -> list[Number]:
    """Plain numbers rounded to five significant digits, so that a record stays small; None for what is not finite."""
    return [float(f"{v:.5g}") if math.isfinite(v) else None for v in np.asarray(values, dtype=float).ravel()]
