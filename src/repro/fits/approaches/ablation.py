"""How a fit of the same runs comes out otherwise: mean for sum, a likelihood for a penalty, five outliers left in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.corpora.tables.tables import TableId
from repro.fits.laws.intervals import Entries, quantiles
from repro.fits.laws.likelihood import fit_likelihood
from repro.fits.laws.quasinewton import descend
from repro.fits.laws.resamples import draw_rows
from repro.fits.laws.surface import GOPHER_FLOP, Surface, fit_surface, surface_objective
from repro.fits.runs.planted import Planted
from repro.fits.runs.suites import columns_of, runs_of, without_worst
from repro.floor.measurement import Numbers, measurement

WAYS = ("newton", "sum", "mean", "sum x 1000", "likelihood")


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """One way to fit the surface.

    way: `newton` is our fit; `sum`, `mean` and `sum x 1000` are scipy's L-BFGS-B with default tolerances from the
    published surface, minimising that multiple of the objective; `likelihood` has a free scale.
    excluded: runs of largest loss left out. resamples: refits in that way, of a share of the runs without replacement
    (100 of 0.8 gave Hoffmann et al. their intervals), or with replacement where share is None; 0 for none.
    """

    runs: TableId | Planted
    way: str = "newton"
    excluded: int = 5
    resamples: int = 0
    share: float | None = 0.8


@measurement(version=1)
def fit_ablation(config: Ablation, seed: int) -> Numbers:
    """One way's surface, how far its Huber objective lies above the minimum, and the optimum that it advises."""
    N, D, loss = columns_of(without_worst(runs_of(config.runs, seed), config.excluded))
    surface, steps = fit_in(config.way, N, D, loss)
    objective, least = surface_objective(surface, N, D, loss), fit_surface(N, D, loss).objective
    numbers: Entries = {
        "E": surface.E,
        "A": surface.A,
        "B": surface.B,
        "alpha": surface.alpha,
        "beta": surface.beta,
        "a": surface.a,
        "runs": len(N),
        "iterations": steps,
        "objective": objective,
        "excess": objective / least - 1,
        "tokens_per_parameter": float(surface.tokens_per_parameter(GOPHER_FLOP)),
    }
    if config.resamples:
        rows = draw_rows(len(N), config.resamples, seed, config.share)
        exponents = [fit_in(config.way, N[row], D[row], loss[row])[0].a for row in rows]
        numbers |= {"draws": len(exponents), "a_quantiles": quantiles(exponents)}
    return numbers


def fit_in(way: str, N: np.ndarray, D: np.ndarray, loss: np.ndarray) -> tuple[Surface, int | None]:
    """The surface that one of WAYS finds, and the iterations it took (None where that is not counted).

    Raises:
        ValueError: no such way.
    """
    factors = {"sum": 1.0, "mean": 1 / len(N), "sum x 1000": 1000.0}
    if way in factors:
        stopped = descend(N, D, loss, method="L-BFGS-B", factor=factors[way])
        return stopped.surface, stopped.iterations
    if way == "newton":
        return fit_surface(N, D, loss).surface, None
    if way == "likelihood":
        return fit_likelihood(N, D, loss).surface, None
    raise ValueError(f"got way={way!r}; expected one of {', '.join(WAYS)}")
