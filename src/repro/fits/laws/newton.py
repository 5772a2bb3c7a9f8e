"""Damped Newton on many five-parameter problems at once.

Legend: P problems. Each keeps its own step length; those that have converged leave the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.fits.laws.huber import DELTA, Points, derivatives
from repro.floor.arrays import Array

ROUNDS = 300
TOLERANCE = 1e-13  # stop once Newton's model promises less than this share of the objective
ABSOLUTE = 1e-26  # the same for an objective that is zero: noise-free points
ARMIJO = 1e-4


@dataclass(frozen=True)
class Minima:
    """Where the problems ended: theta (P, 5), value (P,), gradient norm (P,), converged (P,)."""

    theta: Array
    value: Array
    gradient: Array
    converged: NDArray[np.bool_]
    rounds: int


def minimise(
    points: Points, starts: Array, *, weights: Array | None = None, delta: float = DELTA, rounds: int = ROUNDS
) -> Minima:
    """Minimise the Huber objective from each start.

    Args:
        starts: (P, 5) theta to begin with.
        weights: (P, n) how often each point counts in each problem; None counts every point once.
        rounds: evaluations at most; a problem cut off there is not converged.
    """
    theta = np.array(starts, dtype=float)
    value, gradient, hessian = derivatives(points, theta, weights=weights, delta=delta)
    step = newton_step(gradient, hessian)
    promise = -np.einsum("pi,pi->p", gradient, step)
    length = np.ones(len(theta))
    done = 0
    live = _unfinished(promise, value, length)
    while live.size and done < rounds:
        trial = theta[live] + length[live, None] * step[live]
        some = None if weights is None else weights[live]
        new, slope, curvature = derivatives(points, trial, weights=some, delta=delta)
        better = new <= value[live] - ARMIJO * length[live] * promise[live]
        won, lost = live[better], live[~better]
        theta[won], value[won], gradient[won] = trial[better], new[better], slope[better]
        step[won] = newton_step(slope[better], curvature[better])
        promise[won] = -np.einsum("pi,pi->p", gradient[won], step[won])
        length[won] = 1.0
        length[lost] = _shorter(length[lost], promise[lost], (new - value[live])[~better])
        live = _unfinished(promise, value, length, live)
        done += 1
    converged = promise <= 2 * (TOLERANCE * value + ABSOLUTE)
    return Minima(theta, value, np.linalg.norm(gradient, axis=1), converged, done)


def newton_step(gradient: Array, hessian: Array) -> Array:
    """(P, 5) descent steps -|H|^-1 g, |H| having the absolute eigenvalues of H.

    A Cholesky factor over all problems at once serves those whose Hessian is positive definite (nearly all, near the
    minimum); only the rest pay for eigenvalues.
    """
    step, sound = _cholesky_step(gradient, hessian)
    if not sound.all():
        step[~sound] = _absolute_step(gradient[~sound], hessian[~sound])
    return step


def _cholesky_step(gradient: Array, hessian: Array) -> tuple[Array, NDArray[np.bool_]]:
    size = gradient.shape[1]
    H = hessian.transpose(1, 2, 0)
    L = np.zeros_like(H)
    sound = np.ones(len(gradient), dtype=bool)
    forward = np.empty_like(gradient.T)
    for j in range(size):
        pivot = H[j, j] - (L[j, :j] ** 2).sum(axis=0)
        sound &= pivot > 1e-10 * H[j, j]  # also false for NaN and for a negative diagonal
        root = np.sqrt(np.where(sound, pivot, 1.0))
        L[j, j] = root
        for i in range(j + 1, size):
            L[i, j] = (H[i, j] - (L[i, :j] * L[j, :j]).sum(axis=0)) / root
        forward[j] = (-gradient[:, j] - (L[j, :j] * forward[:j]).sum(axis=0)) / root
    step = np.empty_like(forward)
    for j in reversed(range(size)):
        step[j] = (forward[j] - (L[j + 1 :, j] * step[j + 1 :]).sum(axis=0)) / L[j, j]
    return step.T.copy(), sound


def _absolute_step(gradient: Array, hessian: Array) -> Array:
    # one parameter's scale must not decide what counts as flat, so eigenvalues are taken after scaling the diagonal
    scale = np.sqrt(np.maximum(np.abs(np.einsum("pii->pi", hessian)), 1e-300))
    values, vectors = np.linalg.eigh(hessian / scale[:, :, None] / scale[:, None, :])
    size = np.maximum(np.abs(values), 1e-6 * np.abs(values).max(axis=1, keepdims=True))
    along = np.einsum("pji,pj->pi", vectors, gradient / scale) / size
    step: Array = -np.einsum("pij,pj->pi", vectors, along) / scale
    return step


def _shorter(length: Array, promise: Array, rise: Array) -> Array:
    """The minimum of the parabola through the value, the slope and the failed trial, kept within 0.1 to 0.5."""
    with np.errstate(invalid="ignore", divide="ignore"):
        best = promise * length / (2 * (rise + promise * length))
    return np.asarray(length * np.where(np.isfinite(best), np.clip(best, 0.1, 0.5), 0.1))


def _unfinished(promise: Array, value: Array, length: Array, live: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    rows = np.arange(len(value)) if live is None else live
    going = (promise[rows] > 2 * (TOLERANCE * value[rows] + ABSOLUTE)) & (length[rows] > 1e-10)
    return rows[going]
