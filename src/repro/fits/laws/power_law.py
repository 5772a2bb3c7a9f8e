"""Power laws of one variable, with and without an offset.

Legend: x parameters, tokens or compute; L loss in nats per token.
"""

from __future__ import annotations

from collections.abc import Callable
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


def fit_fixed_amount(x: ArrayLike, loss: ArrayLike) -> Callable[[ArrayLike], Array]:
    """The rival of a power law: every tenfold increase takes off the same amount. Least squares of loss on log x."""
    log_x, log_loss = _logs(x, loss, fewest=2)
    line = np.polyfit(log_x, np.exp(log_loss), 1)
    return lambda size: np.asarray(np.polyval(line, np.log(np.asarray(size, dtype=float))))


LAWS: dict[str, Callable[[ArrayLike, ArrayLike], Callable[[ArrayLike], Array]]] = {
    "pure": lambda x, loss: fit_pure_law(x, loss).loss,
    "offset": lambda x, loss: fit_offset_law(x, loss).loss,
    "fixed amount": fit_fixed_amount,
}


def extrapolation_error(x: ArrayLike, loss: ArrayLike, *, law: str, held: int) -> float:
    """Predicted over measured loss, minus 1, at the largest x, by a law fitted to all but the `held` largest.

    Args:
        law: pure, offset, or fixed amount.

    Raises:
        ValueError: too few points are left to fit.
    """
    order = np.argsort(np.asarray(x, dtype=float), kind="stable")
    size, value = (np.asarray(column, dtype=float)[order] for column in (x, loss))
    predicted = LAWS[law](size[:-held], value[:-held])
    return float(predicted(size[-1]) / value[-1] - 1)


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
