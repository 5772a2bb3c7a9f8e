"""Lines that a formula gives, which have no interval."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from repro.figures.frame import SIZE, References, draw_references, open_frame
from repro.figures.palette import SERIES

STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)))


def lines_figure(
    table: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    log: Literal["", "x", "xy"] = "",
    reference: References | None = None,
    size: tuple[float, float] = SIZE,
) -> Figure:
    """One line per column over the table's index, each in a style of its own; several are named in a legend.

    Args:
        log: the axes that are logarithmic.
        reference: values of the vertical axis that a line crosses the panel at, with its style.
        size: in inches.

    Raises:
        ValueError: more lines than styles.
    """
    if len(table.columns) > len(STYLES):
        raise ValueError(f"{len(table.columns)} lines {list(table.columns)}; at most {len(STYLES)} can be told apart")
    figure, ax = open_frame(size, xlabel=xlabel, ylabel=ylabel)
    for name, style in zip(table.columns, STYLES, strict=False):
        ax.plot(table.index, table[name], ls=style, label=str(name))
    if log:
        ax.set_xscale("log")
    if log == "xy":
        ax.set_yscale("log")
    draw_references(ax, reference, axis="y")
    if len(table.columns) > 1:
        ax.legend()
    return figure


def sorted_figure(
    table: pd.DataFrame, *, dashed: Collection[str] = (), xlabel: str, ylabel: str, size: tuple[float, float] = SIZE
) -> Figure:
    """One line per row of the table: its values from the least to the greatest on a logarithmic axis, gaps left out.

    Args:
        dashed: rows whose line is dashed. Once all colours are used, the next rows have dots between their dashes.
        size: in inches.
    """
    figure, ax = open_frame(size, xlabel=xlabel, ylabel=ylabel)
    for place, (name, row) in enumerate(table.iterrows()):
        values = row.dropna().sort_values()
        style = "--" if name in dashed else "-." if place >= len(SERIES) else "-"
        ax.plot(range(1, len(values) + 1), values, ls=style, color=SERIES[place % len(SERIES)], label=str(name))
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.legend(fontsize=8, ncols=2)
    return figure
