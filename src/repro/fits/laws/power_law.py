"""Power laws of one variable, with and without an offset.

Legend: x parameters, tokens or compute; L loss in nats per token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar, nnls

from repro.floor.arrays import Array

EXPONENTS = np.geomspace(0.01, 3.0, 60)  # where the search for an exponent starts


@dataclass(frozen=True)
class PowerLaw:
    """L(x) = E + A x^-alpha; E = 0 is the pure law of Kaplan et al. 2020 (arXiv:2001.08361), eqs. 1.1 to 1.3."""

    E: float
    A: float
    alpha: float

    def loss(self, x: ArrayLike) -> Array:
        """Loss at x, in nats per token."""
        return np.asarray(self.E + self.A * np.asarray(x, dtype=float) ** -self.alpha)


def fit_pure_law(x: ArrayLike, loss: ArrayLike) -> PowerLaw:
    """Least squares of log loss on log x: the law without an offset."""
    log_x, log_loss = _logs(x, loss, fewest=2)
    slope, level = np.polyfit(log_x, log_loss, 1)
    return PowerLaw(0.0, float(np.exp(level)), float(-slope))


def fit_offset_law(x: ArrayLike, loss: ArrayLike) -> PowerLaw:
    """Least squares of relative residuals over E >= 0, A >= 0 and alpha.

    For each exponent the other two are a linear problem (variable projection), so the search is over one number.

    Raises:
        ValueError: fewer than four points, or values that are not positive.
    """
    log_x, log_loss = _logs(x, loss, fewest=4)
    middle, scale = log_x.mean(), np.exp(-log_loss)

    def projected(alpha: float) -> tuple[float, Array]:
        columns = np.column_stack([np.ones_like(log_x), np.exp(-alpha * (log_x - middle))])
        coefficients, residual = nnls(columns * scale[:, None], np.ones_like(log_x))
        return float(residual), coefficients

    best = int(np.argmin([projected(alpha)[0] for alpha in EXPONENTS]))
    bounds = EXPONENTS[max(0, best - 1)], EXPONENTS[min(len(EXPONENTS) - 1, best + 1)]
    alpha = float(
        minimize_scalar(lambda a: projected(a)[0], bounds=bounds, method="bounded", options={"xatol": 1e-9}).x
    )
    E, A = projected(alpha)[1]
    return PowerLaw(float(E), float(A * np.exp(alpha * middle)), alpha)


def extrapolation_error(x: ArrayLike, loss: ArrayLike, *, offset: bool, factor: float) -> float:
    """Predicted over measured loss, minus 1, at the largest x, by a law fitted up to a `factor` below it.

    Raises:
        ValueError: too few points are left to fit.
    """
    size, value = (np.asarray(column, dtype=float) for column in (x, loss))
    last, known = int(np.argmax(size)), size <= size.max() / factor * (1 + 1e-9)
    law = (fit_offset_law if offset else fit_pure_law)(size[known], value[known])
    return float(law.loss(size[last]) / value[last] - 1)


def joint_law_growth(alpha_N: float, alpha_D: float) -> float:
    """Exponent of the optimal tokens over that of the optimal size, both as powers of compute, in the joint law.

    L = [(N_c / N)^(alpha_N / alpha_D) + D_c / D]^alpha_D has its least value at N ~ C^(alpha_D / (alpha_N + alpha_D)).

    Source: Kaplan et al. 2020 (arXiv:2001.08361), eq. 1.5.
    """
    return alpha_N / alpha_D


def _logs(x: ArrayLike, loss: ArrayLike, fewest: int) -> tuple[Array, Array]:
    size, value = (np.asarray(column, dtype=float) for column in (x, loss))
    if size.size < fewest or size.shape != value.shape:
        raise ValueError(f"{size.size} sizes and {value.size} losses; a law needs at least {fewest} of both")
    if (size <= 0).any() or (value <= 0).any():
        raise ValueError("sizes and losses must be positive")
    return np.log(size), np.log(value)
