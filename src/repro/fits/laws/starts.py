"""Starting surfaces by variable projection: given the exponents, the other three parameters are a linear problem."""

from __future__ import annotations

from itertools import product

import numpy as np

from repro.fits.laws.huber import Points, objective
from repro.floor.arrays import Array

EXPONENTS = np.linspace(0.1, 1.0, 10)  # published exponents of language models lie between 0.05 and 0.7
FLOOR = 1e-6  # a coefficient that the projection sets to 0 has no logarithm; this share of the loss stands in


def variable_projection(points: Points, starts: int, delta: float) -> Array:
    """(starts, 5) the best surfaces, in the parameters of the fit, over a grid of exponents.

    For each pair of exponents non-negative least squares on the relative residual gives E, A and B exactly; the pairs
    of least Huber objective are returned.

    Raises:
        ValueError: starts is not between 1 and the size of the grid.
    """
    from scipy.optimize import nnls

    grid = list(product(EXPONENTS, EXPONENTS))
    if not 1 <= starts <= len(grid):
        raise ValueError(f"got starts={starts}; expected 1 to {len(grid)}, the pairs of exponents tried")
    relative = np.exp(-points.z)
    ones = np.ones_like(relative)
    sizes = {alpha: np.exp(-alpha * points.x) * relative for alpha in EXPONENTS}
    tokens = {beta: np.exp(-beta * points.y) * relative for beta in EXPONENTS}
    floor = FLOOR * float(np.exp(points.z).min())
    thetas = np.empty((len(grid), 5))
    for row, (alpha, beta) in enumerate(grid):
        coefficients, _ = nnls(np.column_stack([sizes[alpha], tokens[beta], relative]), ones)
        thetas[row] = *np.log(np.maximum(coefficients, floor)), alpha, beta
    order = np.argsort(objective(points, thetas, delta=delta), kind="stable")
    return np.asarray(thetas[order[:starts]])
