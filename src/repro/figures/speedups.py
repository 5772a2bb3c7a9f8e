"""Measured speed-ups beside the formulas that predict them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes


def draw_speedups(ax: Axes, table: pd.DataFrame, *, x: str, label: str) -> Axes:
    """Measured points with their intervals, and a line for each formula.

    Args:
        table: columns `x`, "speed-up", "low", "high", "v measured" and "v = 1".
        label: of the x axis.
    """
    value = table["speed-up"]
    spread = [value - table["low"], table["high"] - value]
    ax.errorbar(table[x], value, yerr=spread, fmt="o", color="C0", label="measured")
    ax.plot(table[x], table["v measured"], color="C1", marker=".", label="formula, v measured")
    ax.plot(table[x], table["v = 1"], "--", color="C1", marker=".", label="formula, v = 1")
    ax.axhline(1, color="gray", lw=0.8)
    ax.set_xticks(list(table[x]))
    ax.set_xlabel(label)
    ax.set_ylabel("time without a draft over time with one")
    return ax
