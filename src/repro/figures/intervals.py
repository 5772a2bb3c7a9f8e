"""Estimates, each with its interval, against a region; and spans from the least to the greatest of many values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from repro.figures.frame import SIZE, References, draw_references, open_frame
from repro.figures.palette import SERIES, VERDICTS
from repro.floor.estimate import Estimate


def estimates_table(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Columns label, value, low, high: what `draw_estimates` draws and a figure's link gives."""
    rows = [{"label": name, "value": e.value, "low": e.low, "high": e.high} for name, e in estimates.items()]
    return pd.DataFrame(rows)


def draw_estimates(ax: Axes, table: pd.DataFrame, *, region: tuple[float, float] | None = None) -> Axes:
    """Estimates from top to bottom, each with its interval; the region is shaded.

    Args:
        table: columns label, value, low, high.
        region: values that agree with the claim.
    """
    places = range(len(table))[::-1]
    if region:
        ax.axvspan(*region, color=VERDICTS["supported"], alpha=0.1, lw=0)
    spread = [table["value"] - table["low"], table["high"] - table["value"]]
    ax.errorbar(table["value"], list(places), xerr=spread, fmt="o", color=SERIES[0])
    ax.set_yticks(list(places), list(table["label"]))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.grid(axis="y", visible=False)
    return ax


def estimates_figure(
    table: pd.DataFrame,
    *,
    xlabel: str,
    region: tuple[float, float] | None = None,
    reference: References | None = None,
    log: bool = False,
    size: tuple[float, float] = SIZE,
) -> Figure:
    """Estimates from top to bottom, as `draw_estimates` draws them.

    Args:
        reference: values that a line crosses the panel at, such as {0: "--"}, with its style.
        log: whether the axis is logarithmic.
        size: in inches.
    """
    figure, ax = open_frame(size, xlabel=xlabel)
    draw_estimates(ax, table, region=region)
    if log:
        ax.set_xscale("log")
    draw_references(ax, reference, axis="x")
    return figure


def groups_figure(
    table: pd.DataFrame,
    *,
    rows: str,
    by: str,
    xlabel: str,
    reference: References | None = None,
    size: tuple[float, float] = SIZE,
) -> Figure:
    """Estimates with their intervals on a logarithmic axis: one row per name, and in it one mark per group.

    Args:
        table: columns `rows`, `by`, value, low, high; rows stand from top to bottom in the order of the table.
        reference: values that a line crosses the panel at, with its style.
        size: in inches.
    """
    figure, ax = open_frame(size, xlabel=xlabel)
    names, groups = list(dict.fromkeys(table[rows])), list(dict.fromkeys(table[by]))
    for group, shift, colour, mark in zip(groups, np.linspace(0.3, -0.3, len(groups)), SERIES, "osD^v*", strict=False):
        part = table[table[by] == group].set_index(rows).reindex(names)
        spread = [part["value"] - part["low"], part["high"] - part["value"]]
        places = np.arange(len(names))[::-1] + shift
        ax.errorbar(part["value"], places, xerr=spread, fmt=mark, ms=4, color=colour, label=str(group))
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yticks(np.arange(len(names))[::-1], [str(name) for name in names])
    ax.set_ylim(-0.6, len(names) - 0.4)
    draw_references(ax, reference, axis="x")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8)
    return figure


def draw_spans(ax: Axes, table: pd.DataFrame, *, rows: str, value: str, shade: str, floor: float) -> Axes:
    """Spans on a logarithmic axis: one row per name, top to bottom as in the table, with a span per value of `shade`.

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
