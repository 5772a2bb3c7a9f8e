"""Approach 2: a parabola in log N through the runs of each compute budget, and a power law through the minima.

Legend: n runs, k budgets, P resamples; N parameters, D tokens, C floating-point operations, 6 N D unless given, loss
in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.fits.approaches.frontier import Frontier, FrontierDraws, lines, sound_draws
from repro.fits.laws.cost import SIX_N_D, cost_of
from repro.fits.laws.resamples import blocks
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.1  # runs within 10 % of a budget count as runs of that budget
FEWEST = 5  # runs that a budget needs: three for the parabola, two to notice that it is none


@dataclass(frozen=True)
class Budget:
    """One compute budget: log C of its middle and the numbers of its runs."""

    log_C: float
    rows: NDArray[np.intp]


def find_budgets(C: ArrayLike, *, tolerance: float = TOLERANCE, fewest: int = FEWEST) -> list[Budget]:
    """The budgets around which runs gather, by growing compute.

    The window of log C of half-width `tolerance` that holds most runs is a budget; its runs are set aside, and the next
    window is looked for, until none holds `fewest` runs. Exact budgets come out exactly; of budgets read off a figure,
    whose values scatter, the stragglers between budgets are left out.
    """
    log_C = np.log(np.asarray(C, dtype=float))
    free, budgets = np.argsort(log_C, kind="stable"), []
    while free.size >= fewest:
        ends = np.searchsorted(log_C[free], log_C[free] + 2 * tolerance, side="right")
        first = int(np.argmax(ends - np.arange(free.size)))
        rows = free[first : ends[first]]
        if rows.size < fewest:
            break
        budgets.append(Budget(float(np.mean(log_C[rows])), rows))
        free = np.delete(free, slice(first, ends[first]))
    return sorted(budgets, key=lambda budget: budget.log_C)


def fit_isoflop(
    N: ArrayLike,
    D: ArrayLike,
    loss: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    fewest: int = FEWEST,
    C: ArrayLike | None = None,
) -> Frontier:
    """The frontier through the vertices of one parabola per budget (Approach 2).

    Args:
        N, D, loss: (n,) parameters, tokens and final loss of each run.
        C: (n,) its compute, where that is known otherwise than as 6 N D.
        tolerance: half-width of a budget in log C.
        fewest: runs that a budget needs.

    Raises:
        ValueError: fewer than two budgets have a parabola that opens upwards.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), section 3.2.
    """
    size, budgets, value = _grouped(N, D, loss, C, tolerance, fewest)
    x, log_N, least, sound = _vertices(size, value, budgets, np.ones((1, size.size)))
    if sound.sum() < 2:
        raise ValueError(
            f"{int(sound.sum())} of {len(budgets)} budgets (each of {fewest} runs or more within {tolerance:.0%}) show "
            "a valley; at least two are needed. Add runs on both sides of the minimum"
        )
    slope, intercept, _ = lines(x, log_N, sound.astype(float))
    at = sound[0]
    runs = sum(budget.rows.size for budget, is_valley in zip(budgets, at, strict=True) if is_valley)
    minima = np.exp(x[0, at]), np.exp(log_N[0, at]), least[0, at]
    cost = SIX_N_D if C is None else cost_of(N, D, C)
    return Frontier(float(slope[0]), float(intercept[0]), *minima, runs, cost)


def bootstrap_isoflop(
    N: ArrayLike,
    D: ArrayLike,
    loss: ArrayLike,
    *,
    resamples: int = 4000,
    seed: int = 42,
    share: float | None = None,
    tolerance: float = TOLERANCE,
    fewest: int = FEWEST,
    C: ArrayLike | None = None,
) -> FrontierDraws:
    """Approach 2 on resampled runs; the budgets stay those of all runs.

    A budget whose parabola does not open upwards in a resample, or whose vertex leaves the sizes tried by more than a
    factor e, is left out of that resample.

    Args:
        share: None resamples all runs with replacement; 0.8 takes subsamples without, as Hoffmann et al. did.
        C: as for `fit_isoflop`.
    """
    size, budgets, value = _grouped(N, D, loss, C, tolerance, fewest)
    fitted = []
    for weights in blocks(size.size, resamples, seed, share):
        x, log_N, _, sound = _vertices(size, value, budgets, weights)
        fitted.append(lines(x, log_N, sound.astype(float)))
    slope, intercept, sound = (np.concatenate(part) for part in zip(*fitted, strict=True))
    return sound_draws(slope, intercept, sound, SIX_N_D if C is None else cost_of(N, D, C))


def _grouped(
    N: ArrayLike, D: ArrayLike, loss: ArrayLike, C: ArrayLike | None, tolerance: float, fewest: int
) -> tuple[Array, list[Budget], Array]:
    size, tokens, value = (np.asarray(column, dtype=float) for column in (N, D, loss))
    compute = FLOP_PER_PARAMETER_TOKEN * size * tokens if C is None else C
    return np.log(size), find_budgets(compute, tolerance=tolerance, fewest=fewest), value


def _vertices(
    log_N: Array, loss: Array, budgets: list[Budget], weights: Array
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """log C, log N* and least loss (P, k) of the parabolas, and which of them are valleys (P, k)."""
    shape = (len(weights), len(budgets))
    x = np.tile([budget.log_C for budget in budgets], (len(weights), 1)).reshape(shape)
    where, least, sound = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool)
    for column, budget in enumerate(budgets):
        u, v = log_N[budget.rows], loss[budget.rows]
        middle, some = u.mean(), weights[:, budget.rows]
        level, slope, bend, fitted = _parabolas(u - middle, v, some)
        turn = -slope / (2 * np.where(fitted & (bend > 0), bend, 1.0))
        inside = (turn > (u - middle).min() - 1) & (turn < (u - middle).max() + 1)
        where[:, column], sound[:, column] = middle + turn, fitted & (bend > 0) & inside
        least[:, column] = level + slope * turn / 2
    return x, where, least, sound


def _parabolas(u: Array, v: Array, weights: Array) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Weighted least squares of v on (1, u, u^2), (P,) each, and whether the resample determines the three."""
    powers = weights @ np.column_stack([u**power for power in range(5)])
    right = weights @ np.column_stack([v * u**power for power in range(3)])
    normal = powers[:, [[0, 1, 2], [1, 2, 3], [2, 3, 4]]]
    scale = np.sqrt(np.einsum("pii->pi", normal)) + 1e-300
    scaled = normal / scale[:, :, None] / scale[:, None, :]
    fitted = np.linalg.det(scaled) > 1e-9  # 0 where fewer than three sizes were drawn
    scaled[~fitted] = np.eye(3)
    level, slope, bend = (np.linalg.solve(scaled, (right / scale)[:, :, None])[:, :, 0] / scale).T
    return level, slope, bend, fitted


WINDOW = 7  # runs of a budget that the parabola goes through: the lowest and three to each side


def valleys(runs: pd.DataFrame, window: int = WINDOW) -> pd.DataFrame:
    """The `window` runs about the lowest of each budget whose lowest run has runs on both sides.

    A budget whose lowest run is the smallest or largest model tried shows no valley: its parabola would extrapolate.

    Raises:
        ValueError: no budget shows a valley.
    """
    windows = []
    for budget in find_budgets(runs["C"]):
        of_budget = runs.iloc[budget.rows].sort_values("N")
        lowest, count = int(np.argmin(of_budget["loss"])), len(of_budget)
        if 0 < lowest < count - 1:
            first = max(0, min(lowest - window // 2, count - window))
            windows.append(of_budget.iloc[first : first + window])
    if not windows:
        raise ValueError(f"none of {len(runs)} runs lie at a budget whose lowest run has runs on both sides")
    import pandas as pd

    return pd.concat(windows)
