"""The loss surface of compute-optimal training, L(N, D) = E + A N^-alpha + B D^-beta, and its fit (Approach 3).

Legend: N parameters, D training tokens, C = 6 N D floating-point operations, L loss in nats per token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.fits.laws.cost import SIX_N_D, Cost
from repro.fits.laws.huber import DELTA, Points, contributions, objective
from repro.fits.laws.newton import Minima, minimise, newton_step
from repro.fits.laws.resamples import blocks
from repro.fits.laws.starts import FLOOR, variable_projection
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

PARAMETERS = ("E", "A", "B", "alpha", "beta")
GOPHER_FLOP = 5.76e23  # the budget at which Hoffmann et al. 2022 compare their prediction, table 3
SAME_OPTIMUM = 1e-7  # relative difference of objectives below which two starts found the same optimum
MANY = 40_000  # points from which one Newton step makes a resample's surface; tests hold it against all steps
STEPS = 30  # of Newton's method, for a cost other than 6 N D; ten reach the last digits of usual surfaces
EXACT = 1e-20  # an objective below this is zero: the points lie on the surface to the last digits


@dataclass(frozen=True)
class Surface:
    """A loss surface L(N, D) = E + A N^-alpha + B D^-beta, in nats per token.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), eq. 2 and 4.
    """

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    @property
    def a(self) -> float:
        """Exponent of the compute-optimal size, N* ~ C^a."""
        return self.beta / (self.alpha + self.beta)

    @property
    def b(self) -> float:
        """Exponent of the compute-optimal number of tokens, D* ~ C^b; a + b = 1."""
        return self.alpha / (self.alpha + self.beta)

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss in nats per token of a model of N parameters after D tokens; N and D broadcast."""
        size, tokens = np.asarray(N, dtype=float), np.asarray(D, dtype=float)
        return np.asarray(self.E + self.A * size**-self.alpha + self.B * tokens**-self.beta)

    def optimum(self, C: ArrayLike) -> tuple[Array, Array]:
        """Size N* and tokens D* of least loss at C = 6 N D floating-point operations (closed form)."""
        return optimum(self.table(), C)

    def tokens_per_parameter(self, C: ArrayLike) -> Array:
        """Compute-optimal D*/N* at C floating-point operations."""
        size, tokens = self.optimum(C)
        return np.asarray(tokens / size)

    def table(self) -> Array:
        """The five parameters as an array (E, A, B, alpha, beta)."""
        return np.array([self.E, self.A, self.B, self.alpha, self.beta])

    def logs(self) -> Array:
        """The parameters in which the fit is done: (log A, log B, log E, alpha, beta)."""
        return np.array([np.log(self.A), np.log(self.B), np.log(self.E), self.alpha, self.beta])

    @classmethod
    def from_logs(cls, logs: ArrayLike) -> Self:
        """The surface of (log A, log B, log E, alpha, beta)."""
        log_A, log_B, log_E, alpha, beta = (float(entry) for entry in np.asarray(logs, dtype=float))
        return cls(E=float(np.exp(log_E)), A=float(np.exp(log_A)), B=float(np.exp(log_B)), alpha=alpha, beta=beta)


# Hoffmann et al. 2022 (arXiv:2203.15556), eq. 10: as printed, two digits of each exponent.
HOFFMANN = Surface(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
# The same fit with the digits left in the comments of the paper's TeX source.
HOFFMANN_TEX = Surface.from_logs((6.0073404, 6.0179186, 0.5267228, 0.33917084, 0.2849083))
# Besiroglu et al. 2024 (arXiv:2404.10102), as printed; A, B, alpha, beta are those of a likelihood with a free scale.
BESIROGLU = Surface(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


@dataclass(frozen=True)
class SurfaceFit:
    """A fitted surface and how sure we are that it is the minimum.

    objective: sum over points of Huber(log-loss residual). share: part of the starts that end within 1e-7 of the
    least objective. gradient: norm of the objective's gradient in the fitted (centred) parameters.
    """

    surface: Surface
    objective: float
    share: float
    converged: bool
    gradient: float
    starts: int


@dataclass(frozen=True)
class SurfaceDraws:
    """Surfaces refitted to resampled points.

    parameters: (resamples, 5) rows (E, A, B, alpha, beta). objective: (resamples,) the minimum on each resample.
    converged: (resamples,) whether the minimiser met its tolerance there.
    """

    parameters: Array
    objective: Array
    converged: NDArray[np.bool_]

    @property
    def has_optimum(self) -> NDArray[np.bool_]:
        """(resamples,) whether both exponents are positive, as an optimum at a budget needs."""
        return np.asarray((self.parameters[:, 3] > 0) & (self.parameters[:, 4] > 0))

    def where(self, rows: NDArray[np.bool_]) -> SurfaceDraws:
        """The draws at which `rows` (resamples,) is true."""
        return SurfaceDraws(self.parameters[rows], self.objective[rows], self.converged[rows])

    @property
    def a(self) -> Array:
        """(resamples,) exponents of N* ~ C^a."""
        return np.asarray(self.parameters[:, 4] / (self.parameters[:, 3] + self.parameters[:, 4]))

    def optimum(self, C: float) -> tuple[Array, Array]:
        """(resamples,) optimal sizes and tokens at C floating-point operations."""
        return optimum(self.parameters, C)

    def tokens_per_parameter(self, C: float) -> Array:
        """(resamples,) compute-optimal D*/N* at C floating-point operations."""
        size, tokens = self.optimum(C)
        return np.asarray(tokens / size)


def optimum(parameters: Array, C: ArrayLike, cost: Cost = SIX_N_D) -> tuple[Array, Array]:
    """Compute-optimal size and tokens of one or many surfaces.

    Args:
        parameters: (..., 5) rows (E, A, B, alpha, beta).
        C: floating-point operations; broadcasts against the rows.
        cost: what they pay for.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), eq. 4.
    """
    _, A, B, alpha, beta = np.moveaxis(parameters, -1, 0)
    product = np.asarray(C, dtype=float) / FLOP_PER_PARAMETER_TOKEN
    # in logs: (alpha A / beta B)^(1/(alpha+beta)) overflows for the odd surfaces that a bootstrap may draw
    log_ratio = np.log(alpha * A) - np.log(beta * B)
    log_size = log_ratio / (alpha + beta) + beta / (alpha + beta) * np.log(product)
    if cost.is_usual:
        return np.asarray(np.exp(log_size)), np.asarray(product * np.exp(-log_size))
    for _ in range(STEPS):  # Newton: at the optimum alpha A N^-alpha = beta B D^-beta x elasticity
        size = np.exp(log_size)
        slower = cost.elasticity(size)
        off = log_ratio - alpha * log_size + beta * np.log(cost.tokens(C, size)) - np.log(slower)
        log_size = log_size + off / (alpha + beta * slower + np.maximum(2 * cost.bend / slower, 0))
    return np.asarray(np.exp(log_size)), cost.tokens(C, np.exp(log_size))


@dataclass(frozen=True)
class Spending:
    """How one or many surfaces, (..., 5) rows (E, A, B, alpha, beta), spend compute of a cost: N* ~ C^a."""

    parameters: Array
    cost: Cost

    @property
    def a(self) -> Array:
        """(...) exponents of N* ~ C^a, of another cost than 6 N D those over the compute of the runs."""
        if self.cost.is_usual:
            return np.asarray(self.parameters[..., 4] / (self.parameters[..., 3] + self.parameters[..., 4]))
        low, high = self.cost.span
        return np.asarray(np.log(self.optimum(high)[0] / self.optimum(low)[0]) / np.log(high / low))

    def optimum(self, C: ArrayLike) -> tuple[Array, Array]:
        """(...) optimal sizes and tokens at C floating-point operations."""
        return optimum(self.parameters, C, self.cost)


def fit_surface(N: ArrayLike, D: ArrayLike, loss: ArrayLike, *, delta: float = DELTA, starts: int = 16) -> SurfaceFit:
    """Least sum of Huber(log-loss residual) over all surfaces, from several starts (Approach 3).

    Args:
        N, D, loss: (points,) parameters, tokens, loss in nats; all positive.
        delta: residual (in log loss) from which the penalty grows linearly; 1e-3 in the paper.
        starts: how many starting surfaces, taken by variable projection over a grid of exponents.

    Raises:
        ValueError: arrays differ in length, hold values that are not positive, or fewer than six points.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), section 3.3, with the sum that Besiroglu et al. 2024 restore.
    """
    points = Points.of(N, D, loss)
    fit = _best(points, minimise(points, variable_projection(points, starts, delta), delta=delta))
    if fit.converged:
        return fit
    # A search that creeps towards E = 0, which log E never reaches, stops anywhere: end it on that face.
    face = points.centre(fit.surface.logs())
    face[2] = np.log(FLOOR * float(np.exp(points.z).min()))
    ended = _best(points, minimise(points, face[None], delta=delta))
    return replace(ended, share=fit.share, starts=starts) if ended.objective <= fit.objective else fit


def bootstrap_surface(
    N: ArrayLike,
    D: ArrayLike,
    loss: ArrayLike,
    *,
    resamples: int = 4000,
    seed: int = 42,
    share: float | None = None,
    delta: float = DELTA,
    fit: SurfaceFit | None = None,
) -> SurfaceDraws:
    """Surfaces fitted to resampled points, all resamples at once, each warm-started from the point fit.

    A warm start may stay in a local minimum: sixteen starts for each of Epoch AI's 4,000 resamples find a lower one for
    a single resample, by 0.06 %.

    Args:
        N, D, loss: (points,) as for `fit_surface`.
        resamples: number of draws.
        seed: of `numpy.random.seed`; 42 with 4,000 resamples of 240 points gives the very resamples of Epoch AI.
        share: None draws as many points as there are, with replacement; 0.8 draws subsamples of four fifths without
            replacement, as Hoffmann et al. did for their printed intervals.
        fit: a point fit made before, to save making it again.
    """
    points = Points.of(N, D, loss)
    start = fit if fit is not None else fit_surface(N, D, loss, delta=delta)
    drawn = blocks(points.x.size, resamples, seed, share)
    refit = refit_surfaces if points.x.size < MANY else step_surfaces
    parts = [refit(points, start, weights, delta=delta) for weights in drawn]
    parameters, least, converged = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("parameters", "objective", "converged")
    )
    return SurfaceDraws(parameters, least, converged)


def refit_surfaces(points: Points, start: SurfaceFit, weights: Array, *, delta: float = DELTA) -> SurfaceDraws:
    """The surface of each resample, the minimiser starting at that of the points themselves.

    Args:
        weights: (resamples, n) how often each point counts in each resample.
    """
    warm = np.tile(points.centre(start.surface.logs()), (len(weights), 1))
    minima = minimise(points, warm, weights=weights, delta=delta)
    return _draws(points, minima.theta, minima.value, minima.converged)


def step_surfaces(points: Points, start: SurfaceFit, weights: Array, *, delta: float = DELTA) -> SurfaceDraws:
    """The surface of each resample by one Newton step from that of the points themselves.

    Of many points each resample is so near to all of them that a second step changes its surface by far less than the
    resamples differ. All share one set of derivatives, so that a step costs a product of matrices.

    Source: Andrews 2002 (Econometrica 70:119), on the k-step bootstrap.
    """
    theta = points.centre(start.surface.logs())
    value, gradient, hessian = (weights @ part for part in contributions(points, theta, delta=delta))
    step = newton_step(gradient, hessian.reshape(-1, 5, 5))
    promise = np.einsum("pi,pi->p", gradient, step) / 2
    return _draws(points, theta + step, value + promise, np.asarray(np.isfinite(step).all(axis=1)))


def _draws(points: Points, theta: Array, least: Array, converged: NDArray[np.bool_]) -> SurfaceDraws:
    logs = points.restore(theta)
    with np.errstate(over="ignore"):  # a resample may leave a term to a point or two, whose A or B then has no bound
        parameters = np.column_stack([np.exp(logs[:, [2, 0, 1]]), logs[:, 3:]])
    return SurfaceDraws(parameters, least, converged)


def surface_objective(surface: Surface, N: ArrayLike, D: ArrayLike, loss: ArrayLike, *, delta: float = DELTA) -> float:
    """Sum over points of Huber(log-loss residual) of a given surface."""
    points = Points.of(N, D, loss)
    return float(objective(points, points.centre(surface.logs())[None], delta=delta)[0])


def _best(points: Points, minima: Minima) -> SurfaceFit:
    best = int(np.argmin(minima.value))
    least = minima.value[best]
    return SurfaceFit(
        surface=Surface.from_logs(points.restore(minima.theta[best])),
        objective=float(least),
        share=float(np.mean(minima.value <= least * (1 + SAME_OPTIMUM) + EXACT)),
        converged=bool(minima.converged[best]),
        gradient=float(minima.gradient[best]),
        starts=minima.value.size,
    )
