"""The whole job of Epoch AI's notebook, timed against scipy in the same run: a point fit and 4,000 bootstrap refits.

The yardstick is scipy's BFGS with the exact gradient, one fit at a time: a competent use of what everyone has, and
several times faster than the notebook's own automatic differentiation. Times are CPU seconds, so that a busy machine
changes them little; the ratio of the two changes less still, and is the figure to quote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.corpora.tables.tables import TableMissing, load_runs, table_id
from repro.fits.laws.huber import DELTA, Points
from repro.fits.laws.quasinewton import descend
from repro.fits.laws.resamples import epoch_resamples
from repro.fits.laws.starts import variable_projection
from repro.fits.laws.surface import Surface, SurfaceFit, bootstrap_surface, fit_surface
from repro.fits.runs.planted import HOFFMANN_BUDGETS, Planted, plant
from repro.fits.runs.suites import columns_of, without_worst
from repro.floor.arrays import Array

Track = Callable[[Iterable[int]], Iterable[int]]

TABLE = "epoch_chinchilla_svg_extracted_data"
OUTLIERS = 5
SEED = 42
WORSE = 1e-9  # relative difference above which an objective counts as worse, or better
GOAL_SECONDS, GOAL_RATIO = 2.0, 30.0
STAND_IN = Planted(budgets=(*HOFFMANN_BUDGETS, 1e22), sizes=24)  # 240 runs, as the table has without its outliers


@dataclass(frozen=True)
class FitsBench:
    """Times of the benchmark, and how its optima compare.

    table: the runs used. cpu_seconds: of the whole job, one entry per repeat. scipy_cpu_seconds: of the same job by
    scipy, `scipy_timed` of its resamples having been run and the rest extrapolated. worse, better: resamples, of those
    timed, on which our objective is above or below scipy's by more than 1e-9 of it. ratio: scipy's seconds over our
    best.
    """

    table: str
    runs: int
    resamples: int
    cpu_seconds: tuple[float, ...]
    scipy_cpu_seconds: float
    scipy_timed: int
    ratio: float
    worse: int
    better: int
    unconverged: int
    share_at_optimum: float
    objective: float
    reached_goal: bool


def bench_fits(*, resamples: int = 4000, repeat: int = 3, timed: int = 4000, track: Track = iter) -> FitsBench:
    """Time the job `repeat` times, and scipy once on the first `timed` resamples.

    Args:
        track: wraps the row numbers of scipy's refits, which take most of the time; for a progress bar.
    """
    table, N, D, loss = bench_runs()
    seconds = []
    for _ in range(repeat):
        begin = time.process_time()
        fit = fit_surface(N, D, loss)
        draws = bootstrap_surface(N, D, loss, resamples=resamples, seed=SEED, fit=fit)
        seconds.append(time.process_time() - begin)
    theirs, per_fit, point = _scipy(N, D, loss, fit, epoch_resamples(len(N), resamples, SEED)[:timed], track)
    gap = draws.objective[: len(theirs)] / theirs - 1
    scipy_seconds, worse = point + per_fit * resamples, int((gap > WORSE).sum())
    ratio = scipy_seconds / min(seconds)
    return FitsBench(
        table=table,
        runs=len(N),
        resamples=resamples,
        cpu_seconds=tuple(seconds),
        scipy_cpu_seconds=scipy_seconds,
        scipy_timed=len(theirs),
        ratio=ratio,
        worse=worse,
        better=int((gap < -WORSE).sum()),
        unconverged=int((~draws.converged).sum()),
        share_at_optimum=fit.share,
        objective=fit.objective,
        reached_goal=min(seconds) <= GOAL_SECONDS and ratio >= GOAL_RATIO and worse == 0,
    )


def bench_runs() -> tuple[str, Array, Array, Array]:
    """Name, N, D and loss of Epoch AI's 240 runs, or of as many planted ones where the table is not at hand."""
    try:
        runs, name = without_worst(load_runs(table_id(TABLE)), OUTLIERS), TABLE
    except TableMissing:
        runs, name = plant(STAND_IN, SEED), "planted runs, as the table is not at hand"
    return name, *columns_of(runs)


def _scipy(
    N: Array, D: Array, loss: Array, fit: SurfaceFit, rows: NDArray[np.int64], track: Track
) -> tuple[Array, float, float]:
    """BFGS objectives on the resamples, CPU seconds per refit, and CPU seconds of the point fit from our own starts."""
    points = Points.of(N, D, loss)
    starts = points.restore(variable_projection(points, fit.starts, DELTA))
    begin = time.process_time()
    for start in starts:
        descend(N, D, loss, start=Surface.from_logs(start))
    point = time.process_time() - begin
    objectives, spent = np.empty(len(rows)), 0.0
    for number in track(range(len(rows))):
        row = rows[number]
        begin = time.process_time()
        objectives[number] = descend(N[row], D[row], loss[row]).objective
        spent += time.process_time() - begin
    return objectives, spent / len(rows), point
