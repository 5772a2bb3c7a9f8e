"""Can one plan before the big run? Fit on the small runs of a suite, predict its large ones, compare.

Legend: n runs of which h are held out, P resamples; N parameters, D tokens, C = 6 N D operations, loss in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repro.fits.approaches.frontier import Frontier
from repro.fits.approaches.isoflop import fit_isoflop, valleys
from repro.fits.laws.intervals import Entries, quantiles
from repro.fits.laws.surface import Surface, SurfaceDraws, fit_surface
from repro.fits.runs.suites import Broken, Suite, columns_of, draw_surfaces, group_weights, suite_runs
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement

if TYPE_CHECKING:
    import pandas as pd

RATIO = 30.0  # the plan is made with runs of less than a thirtieth of the largest budget
TOP = 3.0  # the big run itself: within this factor of the largest budget
FEWEST = 12  # small runs that a surface of five parameters is fitted to


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """A suite split at the largest budget over `ratio`.

    isoflop: whether budgets have several sizes each, so that the optimal size is seen and not only fitted.
    """

    suite: Suite | Broken
    isoflop: bool = False
    ratio: float = RATIO
    resamples: int = 400


def split(runs: pd.DataFrame, ratio: float = RATIO) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs below the largest budget over `ratio`, and the held-out others.

    Raises:
        ValueError: fewer than twelve runs lie below.
    """
    small = runs["C"] < runs["C"].max() / ratio
    if small.sum() < FEWEST:
        raise ValueError(
            f"{int(small.sum())} of {len(runs)} runs lie below C_max / {ratio:g}; expected at least {FEWEST}"
        )
    return runs[small], runs[~small]


def relative_error(parameters: Array, large: pd.DataFrame) -> Array:
    """(P, h) predicted over measured loss minus 1, for surfaces given as (P, 5) rows (E, A, B, alpha, beta)."""
    E, A, B, alpha, beta = parameters.T[:, :, None]
    N, D, loss = columns_of(large)
    return np.asarray((E + A * N**-alpha + B * D**-beta) / loss - 1)


def median_error(error: Array, among: NDArray[np.bool_]) -> float:
    """Median absolute relative error over some of the held-out runs."""
    return float(np.median(np.abs(error[among])))


def resampled_errors(draws: SurfaceDraws, large: pd.DataFrame, seed: int) -> Array:
    """(P,) median absolute relative errors, small runs and held-out runs both resampled."""
    error = np.abs(relative_error(draws.parameters, large))
    weights = group_weights(large["group"], len(error), np.random.default_rng(seed + 1)).astype(int)
    return np.array([np.median(np.repeat(row, counted)) for row, counted in zip(error, weights, strict=True)])


def frontier_of(runs: pd.DataFrame) -> Frontier:
    """The power law through the minima of the budgets that show a valley."""
    seen = valleys(runs)
    return fit_isoflop(seen["N"], seen["D"], seen["loss"])


@measurement(version=1)
def holdout(config: HoldOut, seed: int) -> Numbers:
    """How well a surface fitted to the small runs predicts the held-out loss and the optimal size.

    `error`: median absolute relative loss error over all held-out runs, `top_error` over those within a factor 3 of the
    largest budget, `naive_error` that of a planner who expects the best small loss again, `bias` the median signed
    error. Where the suite has valleys, `size_ratio`: predicted over seen optimal size at the largest budget with one,
    and `line_ratio` the same for a power law through the minima of the small budgets.
    """
    runs = suite_runs(config.suite, seed)
    small, large = split(runs, config.ratio)
    fit = fit_surface(small["N"], small["D"], small["loss"])
    draws = draw_surfaces(small, fit, resamples=config.resamples, seed=seed)
    error = relative_error(fit.surface.table()[None], large)[0]
    every, top = np.ones(len(large), dtype=bool), large["C"].to_numpy() >= runs["C"].max() / TOP
    numbers: Entries = {
        "rows": len(runs),
        "runs": int(runs["group"].nunique()),
        "small": len(small),
        "held": len(large),
        "draws": draws.a.size,
        "lost": config.resamples - draws.a.size,
        "reach": float(runs["C"].max() / small["C"].max()),
        "error": median_error(error, every),
        "error_quantiles": quantiles(resampled_errors(draws, large, seed)),
        "top_error": median_error(error, top),
        "top_error_quantiles": quantiles(resampled_errors(draws, large[top], seed)),
        "bias": float(np.median(error)),
        "naive_error": median_error(small["loss"].min() / large["loss"].to_numpy() - 1, every),
        "a": fit.surface.a,
    }
    return numbers | (_sizes(runs, small, fit.surface, draws) if config.isoflop else {})


def _sizes(runs: pd.DataFrame, small: pd.DataFrame, surface: Surface, draws: SurfaceDraws) -> Entries:
    every = frontier_of(runs)
    budget, seen = float(every.C[-1]), float(every.N[-1])
    return {
        "seen_budget": budget,
        "seen_size": seen,
        "size_ratio": float(surface.optimum(budget)[0] / seen),
        "size_ratio_quantiles": quantiles(draws.optimum(budget)[0] / seen),
        "line_ratio": float(frontier_of(small).optimum(budget)[0] / seen),
    }
