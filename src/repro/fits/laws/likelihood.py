"""The surface of greatest likelihood when log-loss errors follow a Huber density of free scale.

The optimum of this fit is the second set of numbers in circulation for the Chinchilla runs. Its scale comes out near
5e-6, so that the penalty is linear beyond residuals of 5e-9: in effect it is least absolute deviations, and its A, B,
alpha and beta are not those of the Huber penalty with delta = 1e-3 on the residuals themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.fits.laws.huber import DELTA, Points, huber
from repro.fits.laws.newton import minimise
from repro.fits.laws.surface import Surface, fit_surface

SHRINK = 10**-0.5  # each fit warm-starts the next, of smaller delta; a factor of 10 already costs more rounds


@dataclass(frozen=True)
class LikelihoodFit:
    """The surface of greatest likelihood.

    log_scale: logarithm of the errors' scale. negative_log_likelihood: in nats, over all points.
    """

    surface: Surface
    log_scale: float
    negative_log_likelihood: float
    converged: bool


def fit_likelihood(N: ArrayLike, D: ArrayLike, loss: ArrayLike, *, delta: float = DELTA) -> LikelihoodFit:
    """Maximise the likelihood over the five parameters and the scale s of errors with density ~ exp(-huber(r / s)).

    For a given s this is the Huber fit with threshold delta s, so the thresholds are lowered step by step, each fit
    starting where the last one ended, until they meet the best scale of the residuals.

    Source: Besiroglu et al. 2024 (arXiv:2404.10102) and `huber_logpdf` of their notebook.
    """
    points = Points.of(N, D, loss)
    surface, threshold, scale = fit_surface(N, D, loss, delta=delta).surface, delta, 1.0
    theta, settled = points.centre(surface.logs())[None], False
    while not settled:
        minima = minimise(points, theta, delta=threshold, rounds=1000)
        theta = minima.theta
        surface = Surface.from_logs(points.restore(theta[0]))
        residual = np.log(surface.loss(N, D)) - points.z
        scale = _best_scale(residual, delta)
        settled = abs(threshold / (delta * scale) - 1) < 1e-6
        threshold = max(threshold * SHRINK, delta * scale)
    value = float(huber(residual / scale, delta).sum() + residual.size * (np.log(scale) + _log_normaliser(delta)))
    return LikelihoodFit(surface, float(np.log(scale)), value, bool(minima.converged[0]))


def _best_scale(residual: NDArray[np.float64], delta: float) -> float:
    """The scale of greatest likelihood for given residuals: the fixed point of s = mean of r clip(r / s)."""
    scale = float(delta * np.mean(np.abs(residual)))
    for _ in range(50):
        scale = float(np.mean(residual * np.clip(residual / scale, -delta, delta)))
    return scale


def _log_normaliser(delta: float) -> float:
    from scipy.stats import norm

    inner = np.sqrt(2 * np.pi) * (1 - 2 * norm.sf(delta))
    return float(np.log(inner + 2 * np.exp(-(delta**2) / 2) / delta))
