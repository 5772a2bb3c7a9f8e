"""Spans on a logarithmic axis: the least, median and greatest of many values, by name and by setting."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from repro.figures.palette import SERIES


def draw_spans(ax: Axes, table: pd.DataFrame, *, rows: str, value: str, shade: str, floor: float) -> Axes:
    """One row per name, top to bottom in the table's order, and in it one span per value of `shade`.

    Args:
        table: columns `rows`, `shade`, `value` (the greatest), `value`_least and `value`_median.
        floor: what smaller values are drawn at, since zero has no logarithm.
    """
    names, shades = list(dict.fromkeys(table[rows])), sorted(set(table[shade]))
    shifts = np.linspace(0.24, -0.24, len(shades))
    for one, shift, colour in zip(shades, shifts, SERIES, strict=False):
        part = table[table[shade] == one].set_index(rows).reindex(names)
        places = np.arange(len(names))[::-1] + shift
        low, middle, high = (part[column].clip(lower=floor) for column in (f"{value}_least", f"{value}_median", value))
        ax.hlines(places, low, high, color=colour, lw=1.6)
        ax.plot(middle, places, "o", color=colour, ms=3.5, label=f"{shade} = {one:g}")
    ax.set_xscale("log")
    ax.set_yticks(np.arange(len(names))[::-1], [str(name) for name in names])
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(axis="y", visible=False)
    return ax
