"""Wholes divided into parts: one bar per whole, its parts side by side."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.figures.frame import SIZE, open_frame
from repro.figures.palette import PALETTE

# No colour of a settled verdict among them: a part of a whole is neither supported nor refuted.
PARTS = tuple(PALETTE[role] for role in ("orange", "sky", "muted", "grid"))


def draw_shares(ax: Axes, table: pd.DataFrame, *, whole: str) -> Axes:
    """One bar per row of the table, top to bottom, each part in per cent of the row's sum.

    Args:
        table: one row per whole, named by the index; one column per part, at most four.
        whole: what the parts make up, for the axis.

    Raises:
        ValueError: more parts than colours.
    """
    if len(table.columns) > len(PARTS):
        raise ValueError(f"{len(table.columns)} parts {list(table.columns)}; at most {len(PARTS)} can be told apart")
    shares = 100 * table.div(table.sum(axis=1), axis=0)
    places, start = list(range(len(table)))[::-1], 0 * shares.iloc[:, 0]
    for part, colour in zip(shares.columns, PARTS, strict=False):
        ax.barh(places, shares[part], left=start, color=colour, label=part, height=0.7)
        start = start + shares[part]
    ax.set_yticks(places, [str(name) for name in table.index])
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"share of {whole}, %")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(shares.columns))
    return ax


def shares_figure(table: pd.DataFrame, *, whole: str, size: tuple[float, float] = SIZE) -> Figure:
    """Wholes divided into parts, as `draw_shares` draws them; `size` is in inches."""
    figure, ax = open_frame(size)
    draw_shares(ax, table, whole=whole)
    return figure
