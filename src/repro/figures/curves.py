"""Measured curves, one a group, each point with its interval over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from repro.floor.statistics import student_t

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


def draw_curves(ax: Axes, table: pd.DataFrame, *, by: str, x: str, label: str = "{}") -> Axes:
    """One line a group on a logarithmic x axis, its interval shaded, its name at its end.

    Args:
        table: as `curves_table` gives it.
        label: how a group that is a number is named; `{}` stands for it.
    """
    groups = sorted(table[by].unique())
    shades = colormaps["viridis"](np.linspace(0.05, 0.8, len(groups)))
    for group, shade in zip(groups, shades, strict=True):
        part = table[table[by] == group].sort_values(x)
        ax.plot(part[x], part["value"], marker="o", ms=3.5, color=shade)
        ax.fill_between(part[x], part["low"], part["high"], color=shade, alpha=0.2, lw=0)
        end = part.iloc[-1]
        named = group if isinstance(group, str) else label.format(_short(group))
        ax.annotate(named, (end[x], end["value"]), xytext=(5, 0), textcoords="offset points",
                    va="center", fontsize=8, color=shade)  # fmt: skip
    ax.set_xscale("log")
    ax.margins(x=0.12)
    return ax


def _short(number: float) -> str:
    """26110 as 26 k; what is larger than any size or count of ours, such as operations, as 2.7e+11."""
    return _rounded(number) if number < 1e9 else f"{number:.2g}"
