"""Planted runs: losses drawn from a known surface, so that a fit can be held against the truth.

Legend: N parameters, D tokens, C = 6 N D floating-point operations, loss in nats per token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from repro.fits.laws.surface import BESIROGLU, Surface
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

if TYPE_CHECKING:
    import pandas as pd

# The nine budgets of Hoffmann et al. 2022 (arXiv:2203.15556), figure 3, in floating-point operations.
HOFFMANN_BUDGETS = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Runs on a grid of budgets and sizes with a known surface.

    surface: the truth. noise: standard deviation of log loss. budgets: in floating-point operations. sizes: runs per
    budget, evenly spaced in log N from 1/span to span times the middle. tokens_per_parameter: D/N of the middle;
    None takes the surface's own optimum.
    """

    surface: Surface = field(default=BESIROGLU)
    noise: float = 0.005
    budgets: tuple[float, ...] = HOFFMANN_BUDGETS
    sizes: int = 25
    span: float = 8.0
    tokens_per_parameter: float | None = 20.0


def plant(planted: Planted, seed: int) -> pd.DataFrame:
    """Columns N, D, C, loss of planted runs, one row per run, by budget and then by size."""
    budgets = np.asarray(planted.budgets, dtype=float)
    if planted.tokens_per_parameter is None:
        middle, _ = planted.surface.optimum(budgets)
    else:
        middle = np.sqrt(budgets / FLOP_PER_PARAMETER_TOKEN / planted.tokens_per_parameter)
    N = np.outer(middle, np.geomspace(1 / planted.span, planted.span, planted.sizes))
    C = np.broadcast_to(budgets[:, None], N.shape)
    D = C / FLOP_PER_PARAMETER_TOKEN / N
    loss = noisy_loss(planted.surface, N.ravel(), D.ravel(), noise=planted.noise, seed=seed)
    import pandas as pd

    return pd.DataFrame({"N": N.ravel(), "D": D.ravel(), "C": C.ravel(), "loss": loss})


def noisy_loss(surface: Surface, N: ArrayLike, D: ArrayLike, *, noise: float, seed: int) -> Array:
    """Losses of the surface at given N and D with normal noise on log loss of standard deviation `noise`."""
    truth = surface.loss(N, D)
    return np.asarray(truth * np.exp(noise * np.random.default_rng(seed).standard_normal(truth.shape)))
