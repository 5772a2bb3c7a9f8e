"""Planted runs: losses drawn from a known surface, so that a fit can be held against the truth.

Legend: N parameters, D tokens, C = 6 N D floating-point operations, loss in nats a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.corpora.tables.tables import TableId, adopt, find_table, load_runs, table_id, tables
from repro.fits.laws.surface import BESIROGLU, Surface
from repro.fits.runs.reading import read_runs
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

PLANTED = "planted"
# The nine budgets of Hoffmann et al. 2022 (arXiv:2203.15556), figure 3, in floating-point operations.
HOFFMANN_BUDGETS = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Runs on a grid of budgets and sizes with a known surface.

    surface: the truth. noise: standard deviation of log loss. budgets: in floating-point operations. sizes: runs a
    budget, evenly spaced in log N from 1/span to span times the middle. tokens_per_parameter: D/N of the middle;
    None takes the surface's own optimum.
    """

    surface: Surface = field(default=BESIROGLU)
    noise: float = 0.005
    budgets: tuple[float, ...] = HOFFMANN_BUDGETS
    sizes: int = 25
    span: float = 8.0
    tokens_per_parameter: float | None = 20.0


def named_runs(name: str) -> TableId | Planted:
    """Where runs come from, for a configuration: `planted`, the name of a public table, or a reader's own CSV.

    Raises:
        BadRuns: a file whose rows are no runs, with the row and the reason.
        ValueError: neither of these.
    """
    if name.endswith(".csv"):
        read_runs(Path(name))  # refused here, in the reader's own cell, rather than in a worker
        return adopt(Path(name))
    return Planted() if name == PLANTED else table_id(name)


def runs_of(source: TableId | Planted, seed: int) -> pd.DataFrame:
    """Columns N, D, C, loss of a table, or of runs planted with this seed."""
    if isinstance(source, Planted):
        return plant(source, seed)
    public = source.name in tables()
    return load_runs(source) if public else read_runs(find_table(source)).frame


def plant(planted: Planted, seed: int) -> pd.DataFrame:
    """Columns N, D, C, loss of planted runs, one row a run, by budget and then by size."""
    budgets = np.asarray(planted.budgets, dtype=float)
    if planted.tokens_per_parameter is None:
        middle, _ = planted.surface.optimum(budgets)
    else:
        middle = np.sqrt(budgets / FLOP_PER_PARAMETER_TOKEN / planted.tokens_per_parameter)
    N = np.outer(middle, np.geomspace(1 / planted.span, planted.span, planted.sizes))
    C = np.broadcast_to(budgets[:, None], N.shape)
    D = C / FLOP_PER_PARAMETER_TOKEN / N
    loss = noisy_loss(planted.surface, N.ravel(), D.ravel(), noise=planted.noise, seed=seed)
    return pd.DataFrame({"N": N.ravel(), "D": D.ravel(), "C": C.ravel(), "loss": loss})


def noisy_loss(surface: Surface, N: ArrayLike, D: ArrayLike, *, noise: float, seed: int) -> Array:
    """Losses of the surface at given N and D with normal noise on log loss of standard deviation `noise`."""
    truth = surface.loss(N, D)
    return np.asarray(truth * np.exp(noise * np.random.default_rng(seed).standard_normal(truth.shape)))


def without_worst(runs: pd.DataFrame, excluded: int) -> pd.DataFrame:
    """The runs whose loss is not among the `excluded` largest; 5 is the choice of Besiroglu et al. 2024.

    Raises:
        ValueError: more are to be excluded than there are.
    """
    if not 0 <= excluded < len(runs):
        raise ValueError(f"got excluded={excluded}; expected 0 to {len(runs) - 1}, there being {len(runs)} runs")
    kept = np.sort(np.argsort(runs["loss"].to_numpy(), kind="stable")[: len(runs) - excluded])
    return runs.iloc[kept].reset_index(drop=True)
