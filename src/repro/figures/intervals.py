"""Rows of estimates, each with its interval, against a region."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from repro.figures.palette import SERIES, VERDICTS
from repro.floor.estimate import Estimate


def estimates_table(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Columns label, value, low, high: what `draw_estimates` draws and a figure's link gives."""
    rows = [{"label": name, "value": e.value, "low": e.low, "high": e.high} for name, e in estimates.items()]
    return pd.DataFrame(rows)


def draw_estimates(ax: Axes, table: pd.DataFrame, *, region: tuple[float, float] | None = None, unit: str = "") -> Axes:
    """One row an estimate, top to bottom, with its interval; the region is shaded.

    Args:
        table: columns label, value, low, high.
        region: values that agree with the claim.
        unit: label of the horizontal axis.
    """
    places = range(len(table))[::-1]
    if region:
        ax.axvspan(*region, color=VERDICTS["supported"], alpha=0.1, lw=0)
    spread = [table["value"] - table["low"], table["high"] - table["value"]]
    ax.errorbar(table["value"], list(places), xerr=spread, fmt="o", color=SERIES[0])
    ax.set_yticks(list(places), list(table["label"]))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(unit)
    return ax
