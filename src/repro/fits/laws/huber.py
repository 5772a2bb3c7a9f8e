"""The Huber objective of a loss surface with exact gradient and Hessian, for many problems at once.

Legend: P problems (starts or resamples), n points. The law is fitted in the five parameters
theta = (a, b, e, alpha, beta) of log L = log(exp(a - alpha x) + exp(b - beta y) + exp(e)), x and y the centred
logarithms of N and D; Hoffmann et al. 2022 (arXiv:2203.15556), eq. 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from repro.floor.arrays import Array

DELTA = 1e-3  # Hoffmann et al. 2022, section 3.3
ROWS = 32  # problems evaluated together: 32 x 240 doubles are 61 kB, so the dozen work arrays stay in the L2 cache


@dataclass(frozen=True)
class Points:
    """Training runs in the coordinates of the fit.

    x, y: (n,) centred log N and log D. z: (n,) log loss. shift: means taken from log N and log D.
    """

    x: Array
    y: Array
    z: Array
    shift: tuple[float, float]

    @classmethod
    def of(cls, N: ArrayLike, D: ArrayLike, loss: ArrayLike) -> Self:
        """Points from parameters, tokens and loss (each (n,), positive).

        Raises:
            ValueError: the arrays differ in length, hold a value that is not positive and finite, or are under six.
        """
        table = [np.asarray(column, dtype=float) for column in (N, D, loss)]
        lengths = [column.shape for column in table]
        if len(set(lengths)) != 1 or table[0].ndim != 1 or table[0].size < 6:
            raise ValueError(f"got N, D, loss of shapes {lengths}; expected one length of at least 6 for 5 parameters")
        for name, column in zip(("N", "D", "loss"), table, strict=True):
            if not np.all(np.isfinite(column) & (column > 0)):
                raise ValueError(f"{name} holds values that are not positive and finite; remove those runs first")
        x, y, z = (np.log(column) for column in table)
        return cls(x - x.mean(), y - y.mean(), z, (float(x.mean()), float(y.mean())))

    def centre(self, logs: ArrayLike) -> Array:
        """(log A, log B, log E, alpha, beta) on the last axis -> theta."""
        theta = np.array(logs, dtype=float)
        theta[..., 0] -= theta[..., 3] * self.shift[0]
        theta[..., 1] -= theta[..., 4] * self.shift[1]
        return theta

    def restore(self, theta: Array) -> Array:
        """theta on the last axis -> (log A, log B, log E, alpha, beta)."""
        logs = np.array(theta, dtype=float)
        logs[..., 0] += logs[..., 3] * self.shift[0]
        logs[..., 1] += logs[..., 4] * self.shift[1]
        return logs


def huber(residual: Array, delta: float) -> Array:
    """r^2 / 2 up to delta, then delta (|r| - delta / 2)."""
    clipped = np.clip(residual, -delta, delta)
    return np.asarray(clipped * (residual - clipped / 2))


def objective(points: Points, theta: Array, *, weights: Array | None = None, delta: float = DELTA) -> Array:
    """(P,) sums of the Huber penalty of log-loss residuals; infinite where the surface overflows."""
    return derivatives(points, theta, weights=weights, delta=delta)[0]


def derivatives(
    points: Points, theta: Array, *, weights: Array | None = None, delta: float = DELTA
) -> tuple[Array, Array, Array]:
    """Value (P,), gradient (P, 5) and Hessian (P, 5, 5) of the objective at theta (P, 5).

    Args:
        weights: (P, n) how often each point counts in each problem; None counts every point once.
    """
    value, gradient = np.empty(len(theta)), np.empty((len(theta), 5))
    hessian = np.empty((len(theta), 5, 5))
    for first in range(0, len(theta), ROWS):
        rows = slice(first, first + ROWS)
        some = None if weights is None else weights[rows]
        value[rows], gradient[rows], hessian[rows] = _block(points, theta[rows], some, delta)
    return value, gradient, hessian


def contributions(points: Points, theta: Array, *, delta: float = DELTA) -> tuple[Array, Array, Array]:
    """What each point adds to value (n,), gradient (n, 5) and Hessian (n, 25) of the objective at one theta (5,)."""
    a, b, e, alpha, beta = theta
    terms = np.stack([np.exp(a - alpha * points.x), np.exp(b - beta * points.y), np.full_like(points.x, np.exp(e))])
    p, q, r = terms / terms.sum(axis=0)
    residual = np.log(terms.sum(axis=0)) - points.z
    slope = np.clip(residual, -delta, delta)
    bend = (slope == residual) - slope
    along = np.column_stack([p, q, r, -points.x * p, -points.y * q])
    hessian = bend[:, None, None] * along[:, :, None] * along[:, None, :]
    hessian[:, 0, 0] += slope * p
    hessian[:, 1, 1] += slope * q
    hessian[:, 2, 2] += slope * r
    for own, exponent, share, at in ((0, 3, p, points.x), (1, 4, q, points.y)):
        hessian[:, own, exponent] -= slope * share * at
        hessian[:, exponent, own] -= slope * share * at
        hessian[:, exponent, exponent] += slope * share * at**2
    return slope * (residual - slope / 2), slope[:, None] * along, hessian.reshape(-1, 25)


def _block(points: Points, theta: Array, weights: Array | None, delta: float) -> tuple[Array, Array, Array]:
    a, b, e, alpha, beta = theta.T[:, :, None]
    # a wild step overflows, or leaves no loss at all; its value is made infinite below
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        first, second, third = np.exp(a - alpha * points.x), np.exp(b - beta * points.y), np.exp(e)
        total = first + second + third
        residual = np.log(total) - points.z
        slope = np.clip(residual, -delta, delta)
        value_at = slope * (residual - slope / 2)
        curve = (slope == residual).astype(float)
        if weights is not None:
            value_at, slope, curve = value_at * weights, slope * weights, curve * weights
        shares = first / total, second / total, third / total
        value = value_at.sum(axis=1)
        gradient, hessian = _moments(points, shares, slope, curve - slope)
    value[~np.isfinite(value)] = np.inf
    return value, gradient, hessian


def _moments(points: Points, shares: tuple[Array, Array, Array], slope: Array, bend: Array) -> tuple[Array, Array]:
    """Gradient and Hessian from the terms' shares p of the loss.

    With u the derivatives of a term's exponent, (1, -x), (1, -y) and (1), the Hessian's block of terms j and k is the
    sum over points of (bend p_j p_k + [j = k] slope p_j) u_j u_k': matrix products with powers of x and y.
    """
    x, y, (p, q, r) = points.x, points.y, shares
    one = np.ones_like(x)
    size, tokens = np.column_stack([one, -x, x * x]), np.column_stack([one, -y, y * y])
    cross = np.column_stack([one, -x, -y, x * y])
    sp, sq, sr, bp, bq = slope * p, slope * q, slope * r, bend * p, bend * q
    gradient = np.empty((len(p), 5))
    gradient[:, [0, 3]], gradient[:, [1, 4]], gradient[:, 2] = sp @ size[:, :2], sq @ tokens[:, :2], sr.sum(axis=1)
    h = np.empty((len(p), 5, 5))
    h[:, 0, 0], h[:, 0, 3], h[:, 3, 3] = ((bp * p + sp) @ size).T
    h[:, 1, 1], h[:, 1, 4], h[:, 4, 4] = ((bq * q + sq) @ tokens).T
    h[:, 0, 1], h[:, 1, 3], h[:, 0, 4], h[:, 3, 4] = ((bp * q) @ cross).T
    h[:, 0, 2], h[:, 2, 3] = ((bp * r) @ size[:, :2]).T
    h[:, 1, 2], h[:, 2, 4] = ((bq * r) @ tokens[:, :2]).T
    h[:, 2, 2] = (bend * r * r + sr).sum(axis=1)
    lower = np.tril_indices(5, -1)
    h[:, lower[0], lower[1]] = h[:, lower[1], lower[0]]
    return gradient, h
