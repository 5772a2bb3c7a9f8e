"""Points of single runs by group, such as gold against KL, over what they could reach at most."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TypeAlias

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from repro.figures.frame import SIZE, open_frame
from repro.figures.palette import MUTED

Reached: TypeAlias = tuple[ArrayLike, ArrayLike, str]  # x, y and the style: "-" a line, "." points


def draw_points(ax: Axes, table: pd.DataFrame, *, x: str, y: str, by: str, markers: str = "o") -> Axes:
    """One point per row of the table, coloured by its group.

    Args:
        table: groups are named in the legend in the order of their first rows.
        markers: one per group, taken from the start again where there are more groups.
    """
    for (group, part), marker in zip(table.groupby(by, sort=False), cycle(markers), strict=False):
        ax.plot(part[x], part[y], marker, ms=5, alpha=0.8, label=str(group))
    return ax


def points_figure(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    by: str,
    xlabel: str,
    ylabel: str,
    markers: str = "o",
    reference: Mapping[str, Reached] | None = None,
    size: tuple[float, float] = SIZE,
) -> Figure:
    """Points by group with a legend, as `draw_points` draws them.

    Args:
        reference: what lies behind the points in grey, by its name in the legend.
        size: in inches.
    """
    figure, ax = open_frame(size, xlabel=xlabel, ylabel=ylabel)
    for name, (across, up, style) in (reference or {}).items():
        ax.plot(across, up, style, color=MUTED, ms=3, label=name)
    draw_points(ax, table, x=x, y=y, by=by, markers=markers)
    ax.legend()
    return figure
