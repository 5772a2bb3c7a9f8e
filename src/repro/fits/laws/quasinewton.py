"""The same Huber fit by scipy's quasi-Newton methods, from one start: what others ran, and our yardstick.

Legend: n points. Parameters (log A, log B, log E, alpha, beta), uncentred as in the published code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from repro.fits.laws.huber import DELTA
from repro.fits.laws.surface import HOFFMANN_TEX, Surface
from repro.floor.arrays import Array


@dataclass(frozen=True)
class Descent:
    """Where a quasi-Newton method stopped.

    objective: sum over points of Huber(log-loss residual), whatever factor was minimised. success: scipy's own word.
    """

    surface: Surface
    objective: float
    iterations: int
    success: bool


def descend(
    N: ArrayLike,
    D: ArrayLike,
    loss: ArrayLike,
    *,
    method: str = "BFGS",
    factor: float = 1.0,
    start: Surface = HOFFMANN_TEX,
    delta: float = DELTA,
) -> Descent:
    """Minimise `factor` times the summed Huber objective from one start, with the exact gradient.

    scipy's default tolerances are absolute (BFGS: gradient 1e-5) or relative to max(|f|, 1) (L-BFGS-B), and the sum
    is about 1e-3 at the optimum; so the factor decides where the method stops, though not where the minimum lies.

    Args:
        N, D, loss: (n,) parameters, tokens, loss in nats.
        method: `BFGS` as in Epoch AI's bootstrap, or `L-BFGS-B` as Hoffmann et al. name.
        factor: 1 for the sum, 1 / n for the mean.
        start: Epoch AI's bootstrap starts at the unrounded published surface.
    """
    from scipy.optimize import minimize

    x, y, z = (np.log(np.asarray(column, dtype=float)) for column in (N, D, loss))
    result = minimize(_summed, start.logs(), args=(x, y, z, factor, delta), jac=True, method=method)
    return Descent(Surface.from_logs(result.x), float(result.fun / factor), int(result.nit), bool(result.success))


def _summed(logs: Array, x: Array, y: Array, z: Array, factor: float, delta: float) -> tuple[float, Array]:
    """The objective and its gradient at one point of the parameters, written for speed: this is the yardstick."""
    a, b, e, alpha, beta = logs
    first, second, third = np.exp(a - alpha * x), np.exp(b - beta * y), np.exp(e)
    total = first + second + third
    residual = np.log(total) - z
    slope = np.clip(residual, -delta, delta)
    value = slope @ (residual - slope / 2)
    slope /= total
    first *= slope
    second *= slope
    gradient = np.array([first.sum(), second.sum(), third * slope.sum(), -(first @ x), -(second @ y)])
    return factor * value, factor * gradient
