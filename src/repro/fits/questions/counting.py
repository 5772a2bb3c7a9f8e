"""Kaplan's exponent from Chinchilla's surface, by leaving the embeddings out of the count and nothing else.

Legend: n parameters without embeddings, T all parameters, D tokens, C = 6 n D (or 6 T D) floating-point operations.

Source: Pearce & Song 2024 (arXiv:2406.12907).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from repro.fits.laws.intervals import rounded
from repro.fits.laws.surface import BESIROGLU, Surface
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

# Pearce & Song 2024: T = n + omega n^(1/3), fitted to the 50 model shapes of Hoffmann et al. (vocabulary 32,000).
OMEGA = 47_491.0
KAPLAN_SIZES = (768.0, 1.5e9)  # smallest and largest n of Kaplan et al. 2020 (arXiv:2001.08361)
# The ranges of their script, in powers of ten: sizes about Kaplan's, budgets whose valley lies inside.
SIZES = (2.9, 9.2)
TOKENS = (6.0, 25.0)
BUDGETS = {"non-embedding": (12.95, 20.7), "total": (13.4, 20.7)}


@dataclass(frozen=True, kw_only=True)
class Counting:
    """A world and a way to count in it.

    omega: embedding parameters are omega n^(1/3); 0 is a world in which counting cannot matter.
    counted: "non-embedding" as Kaplan et al. 2020 did, or "total" as Hoffmann et al. 2022 did.
    sizes, tokens, budgets: how many of each the simulated study has.
    """

    surface: Surface = field(default=BESIROGLU)
    omega: float = OMEGA
    counted: str = "non-embedding"
    sizes: int = 20
    tokens: int = 1000
    budgets: int = 100


def total_size(n: ArrayLike, omega: float = OMEGA) -> Array:
    """All parameters T of models with n parameters outside the embeddings: n + omega n^(1/3)."""
    inner = np.asarray(n, dtype=float)
    return np.asarray(inner + omega * np.cbrt(inner))


def counted_compute(n: ArrayLike, surface: Surface, omega: float = OMEGA) -> Array:
    """The compute C = 6 n D at which n is the size of least loss, when embeddings are left out of both n and C.

    Closed form: at fixed C the loss A T(n)^-alpha + B D^-beta is least where
    beta B D^-beta = alpha A n T'(n) T^(-alpha-1), which gives D and so C.
    """
    inner = np.asarray(n, dtype=float)
    total, slope = total_size(inner, omega), 1 + omega / 3 * inner ** (-2 / 3)
    ratio = surface.beta * surface.B / (surface.alpha * surface.A)
    tokens = (ratio * total ** (1 + surface.alpha) / (inner * slope)) ** (1 / surface.beta)
    return np.asarray(FLOP_PER_PARAMETER_TOKEN * inner * tokens)


def local_exponent(n: ArrayLike, surface: Surface, omega: float = OMEGA) -> Array:
    """Slope d log n* / d log C of the compute-optimal size at n, embeddings left out.

    It starts at beta / (alpha/3 + beta) for tiny models, where embeddings are nearly everything, and ends at
    beta / (alpha + beta) for huge ones; between the two it rises above both.
    """
    inner = np.asarray(n, dtype=float)
    embedding = omega * inner ** (-2 / 3)
    first = (1 + embedding / 3) / (1 + embedding)  # n T'/T
    second = -2 / 9 * embedding / (1 + embedding / 3)  # n T''/T'
    return np.asarray(1 / (1 + ((1 + surface.alpha) * first - second - 1) / surface.beta))


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """Exponent k of y ~ x^k by least squares in logs."""
    return float(np.polyfit(np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float)), 1)[0])


def closed_exponent(surface: Surface, budgets: tuple[float, float], omega: float = OMEGA, *, count: int = 400) -> float:
    """Exponent of the power law through the closed form over budgets (first, last), spread evenly in log C."""
    n = np.logspace(0, 14, 20 * count)
    chosen = np.geomspace(*budgets, count)
    sizes = np.exp(np.interp(np.log(chosen), np.log(counted_compute(n, surface, omega)), np.log(n)))
    return slope(chosen, sizes)


def kaplan_budgets(surface: Surface, omega: float = OMEGA) -> tuple[float, float]:
    """The budgets at which Kaplan's smallest and largest sizes are the optimal ones."""
    first, last = counted_compute(KAPLAN_SIZES, surface, omega)
    return float(first), float(last)


def simulated_exponent(world: Counting) -> float:
    """Exponent of the power law through the least-loss sizes of a study simulated as Kaplan et al. would have run it.

    A fixed set of sizes, each trained on tokens of a fixed grid; at each budget every size enters with the number of
    tokens that comes nearest to the budget, and the size of least loss is the optimum.

    Raises:
        ValueError: `counted` is neither "non-embedding" nor "total".
    """
    if world.counted not in BUDGETS:
        raise ValueError(f"counted is {world.counted!r}; expected one of {sorted(BUDGETS)}")
    n = np.logspace(*SIZES, world.sizes)
    total = total_size(n, world.omega)
    counted = n if world.counted == "non-embedding" else total
    tokens = np.logspace(*TOKENS, world.tokens)
    budgets = np.logspace(*BUDGETS[world.counted], world.budgets)
    wanted = budgets[:, None] / (FLOP_PER_PARAMETER_TOKEN * counted)
    # a size whose tokens at this budget lie off the grid was not run; the nearest run would cost another budget
    run = (wanted >= tokens[0]) & (wanted <= tokens[-1])
    loss = np.where(run, world.surface.loss(total, _nearest(tokens, wanted)), np.inf)
    return slope(budgets, counted[np.argmin(loss, axis=1)])


def _nearest(grid: Array, wanted: Array) -> Array:
    above = np.clip(np.searchsorted(grid, wanted), 1, grid.size - 1)
    below = above - 1
    return np.where(wanted - grid[below] <= grid[above] - wanted, grid[below], grid[above])


@measurement(version=1)
def counting_exponents(config: Counting, seed: int) -> Numbers:
    """Exponent of the compute-optimal size under a way of counting: simulated, in closed form, and locally.

    The seed has no effect: nothing is drawn. The lists give the local exponent over sizes from 1e2 to 1e12.
    """
    n = np.logspace(2, 12, 101)
    left_out = config.counted == "non-embedding"
    omega = config.omega if left_out else 0.0  # counted in full, the closed form has no embeddings to lose
    local = local_exponent(n, config.surface, omega)
    first, last = BUDGETS[config.counted]
    paper_budgets = (10**first, 10**last)
    return {
        "simulated": simulated_exponent(config),
        "closed": closed_exponent(config.surface, paper_budgets, omega),
        "closed_kaplan_sizes": closed_exponent(config.surface, kaplan_budgets(config.surface, omega), omega),
        "surface_exponent": config.surface.a,
        "local_start": float(local_exponent(1e-3, config.surface, omega)),
        "local_peak": float(local.max()),
        "local_peak_size": float(n[np.argmax(local)]),
        "sizes": rounded(n),
        "local": rounded(local),
    }
