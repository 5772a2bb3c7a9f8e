"""Approach 1: the size of the runs that no cheaper run equals, as a power law of compute.

Hoffmann et al. take the lower envelope of whole training curves. Where only final losses are known (a point cloud, such
as the runs read off their figure), there are no curves, and this file takes the lower envelope of the final points over
compute instead: the runs whose loss is below that of every run of no more compute. Few runs lie on it and each is the
luckiest of its neighbours, so the exponent is noisier than that of Approach 1 proper, and a bootstrap of an extreme
understates its spread; read it as a third opinion, not as a replication of their 0.50.

Legend: n runs, P resamples; N parameters, D tokens, C floating-point operations, 6 N D unless given, loss in nats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.fits.approaches.frontier import Frontier, FrontierDraws, lines, sound_draws
from repro.fits.laws.cost import SIX_N_D, cost_of
from repro.fits.laws.resamples import blocks
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN


def fit_envelope(N: ArrayLike, D: ArrayLike, loss: ArrayLike, C: ArrayLike | None = None) -> Frontier:
    """The power law of size over compute along the lower envelope of final losses (Approach 1 for point clouds).

    Args:
        N, D, loss: (n,) parameters, tokens and final loss of each run.
        C: (n,) its compute, where that is known otherwise than as 6 N D.

    Raises:
        ValueError: fewer than two budgets lie on the envelope.

    Source: after Hoffmann et al. 2022 (arXiv:2203.15556), section 3.1; see the head of this file for the difference.
    """
    log_C, log_N, value = _by_compute(N, D, loss, C)
    front = _lowest(value, np.ones((1, value.size)))
    slope, intercept, sound = lines(log_C[None], log_N[None], front.astype(float))
    if not sound[0]:
        raise ValueError(f"{int(front.sum())} of {value.size} runs lie on the lower envelope; two budgets are needed")
    at, cost = front[0], SIX_N_D if C is None else cost_of(N, D, C)
    minima = np.exp(log_C[at]), np.exp(log_N[at]), value[at]
    return Frontier(float(slope[0]), float(intercept[0]), *minima, value.size, cost)


def bootstrap_envelope(
    N: ArrayLike,
    D: ArrayLike,
    loss: ArrayLike,
    *,
    resamples: int = 4000,
    seed: int = 42,
    share: float | None = None,
    C: ArrayLike | None = None,
) -> FrontierDraws:
    """Approach 1 on resampled runs.

    Args:
        C: as for `fit_envelope`.
        share: None resamples all runs with replacement; 0.8 takes subsamples without, as Hoffmann et al. did.
    """
    log_C, log_N, value = _by_compute(N, D, loss, C)
    fitted = []
    for weights in blocks(value.size, resamples, seed, share):
        front = weights * _lowest(value, weights)
        # few runs are ever on the envelope: the lines go through their columns alone
        ever = front.any(axis=0)
        some = front[:, ever]
        fitted.append(lines(np.broadcast_to(log_C[ever], some.shape), np.broadcast_to(log_N[ever], some.shape), some))
    slope, intercept, sound = (np.concatenate(part) for part in zip(*fitted, strict=True))
    return sound_draws(slope, intercept, sound, SIX_N_D if C is None else cost_of(N, D, C))


def _by_compute(N: ArrayLike, D: ArrayLike, loss: ArrayLike, C: ArrayLike | None) -> tuple[Array, Array, Array]:
    """log C, log N and loss by growing compute; of runs of equal compute the best comes first."""
    size, tokens, value = (np.asarray(column, dtype=float) for column in (N, D, loss))
    log_C = np.log(FLOP_PER_PARAMETER_TOKEN * size * tokens if C is None else np.asarray(C, dtype=float))
    # budgets that are equal on paper differ in the last bits of 6 N D, which must not decide the order
    order = np.lexsort((value, np.round(log_C, 10)))
    return log_C[order], np.log(size)[order], value[order]


def _lowest(loss: Array, weights: Array) -> NDArray[np.bool_]:
    """(P, n) whether a run is drawn and below all drawn runs before it."""
    loss_if_drawn = np.where(weights > 0, loss, np.inf)
    before = np.minimum.accumulate(loss_if_drawn, axis=1)
    first = np.full((len(weights), 1), np.inf)
    return np.asarray(loss_if_drawn < np.hstack([first, before[:, :-1]]))
