"""Measured curves by group, each point with its interval over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from repro.figures.frame import SIZE, References, draw_references, open_frame
from repro.figures.palette import SERIES
from repro.statistics import student_t

_rounded = EngFormatter(places=0)


def curves_table(frame: pd.DataFrame, *, by: str, x: str, y: str) -> pd.DataFrame:
    """Columns `by`, `x`, value, low, high, seeds: the mean over two seeds or more, with Student's t interval."""
    rows = []
    for (group, place), part in frame.groupby([by, x]):
        values = part[y].to_numpy(dtype=float)
        if len(values) > 1:
            mean = student_t(list(values))
            rows.append((group, place, mean.value, mean.low, mean.high, len(values)))
    return pd.DataFrame(rows, columns=[by, x, "value", "low", "high", "seeds"])


def draw_curves(ax: Axes, table: pd.DataFrame, *, by: str, x: str, label: str = "{}", log: bool = True) -> Axes:
    """One line per group, its interval shaded, its name at its end.

    Args:
        table: as `curves_table` gives it.
        label: how a group that is a number is named; `{}` stands for it.
        log: whether the x axis is logarithmic.
    """
    groups = sorted(table[by].unique())
    shades = colormaps["viridis"](np.linspace(0.3, 0.8, len(groups)))  # seen on white and on black
    for group, shade in zip(groups, shades, strict=True):
        part = table[table[by] == group].sort_values(x)
        ax.plot(part[x], part["value"], marker="o", ms=3.5, color=shade)
        ax.fill_between(part[x], part["low"], part["high"], color=shade, alpha=0.2, lw=0)
        end = part.iloc[-1]
        named = group if isinstance(group, str) else label.format(_short(group))
        ax.annotate(
            named,
            (end[x], end["value"]),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=shade,
        )
    if log:
        ax.set_xscale("log")
    ax.margins(x=0.12)
    return ax


def curves_figure(
    table: pd.DataFrame,
    *,
    by: str,
    x: str,
    xlabel: str,
    ylabel: str,
    label: str = "{}",
    reference: References | None = None,
    log: bool = True,
    size: tuple[float, float] = SIZE,
) -> Figure:
    """Curves with their intervals, as `draw_curves` draws them.

    Args:
        reference: values of the vertical axis that a line crosses the panel at, such as {0: "--"}, with its style.
        size: in inches.
    """
    figure, ax = open_frame(size, xlabel=xlabel, ylabel=ylabel)
    draw_curves(ax, table, by=by, x=x, label=label, log=log)
    draw_references(ax, reference, axis="y")
    return figure


def draw_seeds(
    ax: Axes, runs: pd.DataFrame, *, x: str, y: str, label: str = "", shade: str = SERIES[0], log: bool = True
) -> Axes:
    """One point per run, those of one place spread a little to tell equal ones apart, and their mean as a line.

    Where seeds fall into heaps, an interval of their mean speaks of values that no seed has, and of shares above one.

    Args:
        runs: one row per run.
        log: whether the x axis is logarithmic.
    """
    places, means = runs.groupby(x), runs.groupby(x)[y].mean()
    ranks = places.cumcount() / (places[y].transform("size") - 1).clip(lower=1) - 0.5  # -1/2 to 1/2
    along = runs[x].astype(float).transform(np.log if log else np.positive)
    along += 0.03 * np.ptp(along) * ranks
    ax.plot(np.exp(along) if log else along, runs[y], "o", ms=4, mew=0, alpha=0.5, color=shade)
    ax.plot(means.index, means, lw=1.2, color=shade, label=label or None)
    if log:
        ax.set_xscale("log")
    return ax


def _short(number: float) -> str:
    """26110 as 26 k; what is larger than any size or count of ours, such as operations, as 2.7e+11."""
    return _rounded(number) if number < 1e9 else f"{number:.2g}"
