"""The style sheet of every figure: thin axes on the left and below, a light grid, no frame, text as text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from cycler import cycler

from repro.figures.palette import GRID, INK, MUTED, PAPER, SERIES

WIDTH, HEIGHT = 7.2, 4.1  # inches: at 96 points to the inch the width of the book's text column

STYLE: MappingProxyType[str, Any] = MappingProxyType(
    {
        "figure.figsize": (WIDTH, HEIGHT),
        "figure.dpi": 96,
        "figure.facecolor": PAPER,
        "figure.constrained_layout.use": True,
        "savefig.facecolor": PAPER,
        "svg.fonttype": "none",  # text stays text: it can be searched, selected and follows the page's font
        "font.family": "DejaVu Sans",  # shipped with matplotlib, so every machine lays a figure out alike
        "font.size": 10,
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 9,
        "axes.facecolor": PAPER,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.8,
        "axes.labelcolor": INK,
        "axes.labelpad": 6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=SERIES),
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "xtick.major.width": 0.8,
        "ytick.major.width": 0.8,
        "xtick.minor.width": 0.5,
        "ytick.minor.width": 0.5,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "errorbar.capsize": 0,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "patch.edgecolor": PAPER,
    }
)


def apply_style() -> None:
    """Draw every later figure of this process in the book's style."""
    settings: Any = dict(STYLE)
    mpl.rcParams.update(settings)


def figure_style() -> AbstractContextManager[None]:
    """Draw the figures of a `with` block in the book's style."""
    settings: Any = dict(STYLE)
    return mpl.rc_context(settings)
