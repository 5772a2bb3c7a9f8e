"""How often the bootstrap intervals of the surface fit hold the truth, on planted runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repro.fits.laws.surface import GOPHER_FLOP, PARAMETERS, Surface, SurfaceDraws, bootstrap_surface
from repro.fits.runs.planted import Planted, plant
from repro.floor.measurement import Number, Numbers, measurement

LEVELS = (0.8, 0.95, 0.99)
QUANTITIES = (*PARAMETERS, "a", "tokens_per_parameter")


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """sets: planted data sets, each of fresh noise. resamples: bootstrap draws a data set."""

    planted: Planted = field(default=Planted())
    sets: int = 200
    resamples: int = 500


@measurement(version=1)
def surface_coverage(config: Coverage, seed: int) -> Numbers:
    """For each quantity and level, the number of data sets whose percentile interval holds the true value.

    Numbers: `sets`, `levels`, and `covered_<quantity>`, a list of counts in the order of the levels. A data set with a
    draw that has no optimum counts as not covering: `peakless` says how many there were.
    """
    truth = _quantities_of(config.planted.surface)
    covered = np.zeros((len(LEVELS), len(QUANTITIES)), dtype=int)
    peakless = 0
    for number in range(config.sets):
        runs = plant(config.planted, seed * config.sets + number)
        draws = bootstrap_surface(runs["N"], runs["D"], runs["loss"], resamples=config.resamples, seed=number)
        if draws.peaked.all():
            covered += _holds(truth, draws)
        else:
            peakless += 1
    found: dict[str, Number | list[Number]] = {"sets": config.sets, "levels": list(LEVELS), "peakless": peakless}
    return found | {f"covered_{name}": covered[:, column].tolist() for column, name in enumerate(QUANTITIES)}


def _quantities_of(surface: Surface) -> NDArray[np.float64]:
    return np.array([*surface.table(), surface.a, float(surface.tokens_per_parameter(GOPHER_FLOP))])


def _holds(truth: NDArray[np.float64], draws: SurfaceDraws) -> NDArray[np.bool_]:
    """(levels, quantities) whether the interval holds the truth."""
    drawn = np.column_stack([draws.parameters, draws.a, draws.tokens_per_parameter(GOPHER_FLOP)])
    tails = np.array([(1 - level) / 2 for level in LEVELS])
    low, high = np.quantile(drawn, tails, axis=0), np.quantile(drawn, 1 - tails, axis=0)
    return np.asarray((low <= truth) & (truth <= high))
