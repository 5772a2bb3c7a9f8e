"""What a finished figure of one panel has around its data: its size, the names of its axes, lines of reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.figures.palette import MUTED
from repro.figures.style import HEIGHT, WIDTH

SIZE = (WIDTH, HEIGHT)
References = Mapping[float, str]  # the style of the line at each value: "--" is dashed, ":" dotted, "-" solid


def open_frame(size: tuple[float, float], *, xlabel: str = "", ylabel: str = "") -> tuple[Figure, Axes]:
    """A figure of one panel, `size` in inches, with its axes named."""
    figure, ax = plt.subplots(figsize=size)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return figure, ax


def draw_references(ax: Axes, references: References | None, *, axis: Literal["x", "y"]) -> None:
    """A thin grey line across the panel at each value of the axis, such as zero or an even pace."""
    across = ax.axvline if axis == "x" else ax.axhline
    for value, style in (references or {}).items():
        across(value, color=MUTED, lw=1.2, ls=style)
