"""The picture of `repro fit`: runs by budget, the fitted surface at those budgets, and the optima with their intervals.

Legend: N parameters, C floating-point operations, 6 N D unless the file has its own, loss in nats per token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from repro.figures import PALETTE, figure_style
from repro.fits.laws.surface import optimum
from repro.fits.report import Report

KINDS = (".svg", ".png", ".pdf")
MOST_CURVES = 12  # more iso-budget curves than that hide the runs
_BY_APPROACH = {1: (PALETTE["green"], "s"), 2: (PALETTE["orange"], "D"), 3: (PALETTE["vermillion"], "o")}


def draw(report: Report, path: Path) -> None:
    """Draw a report into an SVG, PNG or PDF file.

    Raises:
        ValueError: the file's name ends otherwise.
    """
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"--figure {path}: got {path.suffix or 'no ending'!r}, expected one of {', '.join(KINDS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with figure_style(), matplotlib.rc_context({"svg.hashsalt": "repro"}):  # the same report, the same bytes
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
        picture(report).savefig(path, dpi=160, metadata=metadata)


def picture(report: Report) -> Figure:
    """The runs with the fitted surface beside the optimal sizes."""
    compute = report.runs.frame["C"]
    colours = ScalarMappable(LogNorm(compute.min() / 1.01, compute.max() * 1.01), "viridis")
    with figure_style():
        figure = Figure(figsize=(10, 4.2))
        left, right = figure.subplots(1, 2)
        _runs(left, report, colours)
        _optima(right, report)
        figure.colorbar(colours, ax=left, label="training compute C (FLOP)")
    return figure


def _runs(axes: Axes, report: Report, colours: ScalarMappable) -> None:
    frame, surface = report.runs.frame, report.fit.surface
    compute = frame["C"]
    axes.scatter(frame["N"], frame["loss"], c=colours.to_rgba(compute.to_numpy()), s=14, zorder=2)
    budgets = np.array(report.budgets) if report.budgets else np.geomspace(compute.min(), compute.max(), 5)
    budgets = budgets[np.unique(np.linspace(0, len(budgets) - 1, min(len(budgets), MOST_CURVES)).astype(int))]
    for budget in budgets:
        near = frame["N"][np.abs(np.log(compute / budget)) < 0.2]
        low, high = (near.min(), near.max()) if len(near) > 1 else (frame["N"].min(), frame["N"].max())
        sizes = np.geomspace(low / 1.3, high * 1.3, 100)
        loss = surface.loss(sizes, report.cost.tokens(budget, sizes))
        axes.plot(sizes, loss, color=colours.to_rgba(budget), linewidth=1.0)
    if any(approach.number == 3 for approach in report.approaches):  # else the surface has no optimum to draw
        best, tokens = optimum(surface.table(), budgets, report.cost)
        style: dict[str, Any] = {"color": PALETTE["ink"], "markersize": 8, "linewidth": 0.8}
        axes.plot(best, surface.loss(best, tokens), "*--", label="optimum of the fit", **style)
        axes.legend()
    axes.set(xscale="log", xlabel="parameters N", ylabel="loss (nats per token)", title="Runs and the fitted surface")


def _optima(axes: Axes, report: Report) -> None:
    compute = report.runs.frame["C"]
    across = np.array([min(compute.min(), *report.wanted) / 2, max(compute.max(), *report.wanted) * 2])
    aside = (across[1] / across[0]) ** 0.012  # approaches stand side by side, so that no interval hides another
    axes.set(xscale="log", yscale="log", xlabel="training compute C (FLOP)", ylabel="optimal parameters N*")
    axes.set(xlim=across, ylim=(1e6, 1e12), title="Optimal size, 99 % intervals")  # a law may be flat: no autoscaling
    heights = []
    for place, approach in enumerate(report.approaches):
        (colour, mark), a = _BY_APPROACH[approach.number], approach.a
        budgets = np.array([optimum.budget for optimum in approach.optima])
        sizes = np.array([[o.N.value, o.N.low, o.N.high] for o in approach.optima]).T
        reach = np.abs(np.where(np.isfinite(sizes[1:]), sizes[1:], sizes[0]) - sizes[0])
        label = f"approach {approach.number}: a = {a.value:.3f} [{a.low:.3f}, {a.high:.3f}]"
        axes.errorbar(budgets * aside ** (place - 1), sizes[0], reach, fmt=mark, color=colour, capsize=2.5, label=label)
        line = sizes[0, 0] * (across / budgets[0]) ** a.value
        axes.plot(across, line, color=colour, linewidth=0.8)
        heights += [*line, *sizes[np.isfinite(sizes) & (sizes > 0)]]
    axes.set(
        xlim=across, xscale="log", yscale="log", xlabel="training compute C (FLOP)", ylabel="optimal parameters N*"
    )
    axes.set_title("Optimal size, 99 % intervals")
    if heights:
        axes.set_ylim(min(heights) / 2, max(heights) * 2)
        axes.legend()
