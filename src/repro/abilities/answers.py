"""Whether models of lower loss answer better, from the record of `answers_by_loss`.

Legend: L test loss in nats per token, N parameters, a accuracy averaged over tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize
from statsmodels.stats.multitest import multipletests

from repro.floor.arrays import Array
from repro.statistics import LEVEL, Estimate, clopper_pearson, percentile

DECAYS = (0.3, 6.0)  # per nat: where the decay of answers with loss is looked for


def models_table(row: Mapping[Any, Any]) -> pd.DataFrame:
    """The models of one record, a row per model: text, N, loss and mean score."""
    return pd.DataFrame({name: row[name] for name in ("text", "N", "loss", "score")})


def tasks_table(row: Mapping[Any, Any], error: float = 1 - LEVEL) -> pd.DataFrame:
    """The tasks of one record, a row per task: kendall, p_value, and whether it follows the loss (Holm's procedure)."""
    table = pd.DataFrame({name: row[name] for name in ("tasks", "kendall", "p_value")})
    return table.assign(follows=multipletests(table["p_value"], alpha=error, method="holm")[0])


def share_following(row: Mapping[Any, Any]) -> Estimate:
    """The share of tasks that follow the loss, the tasks taken as a sample of those that one might ask."""
    follows = tasks_table(row)["follows"]
    return clopper_pearson(int(follows.sum()), len(follows))


def concordance(models: pd.DataFrame, *, within: float = np.inf, resamples: int = 2000, seed: int = 0) -> Estimate:
    """How often the model of lower loss has the better score, of all pairs of one text; equal scores count half.

    Args:
        within: only pairs whose losses differ by at most this, in nats per token.

    Raises:
        ValueError: no two models of one text have losses so close.
    """
    loss, score, text = (models[name].to_numpy() for name in ("loss", "score", "text"))
    ahead = loss[None, :] - loss[:, None]  # (n, n) how much lower the row's loss is
    pairs = ((ahead > 0) & (ahead <= within) & (text[:, None] == text[None, :])).astype(float)
    if not pairs.any():
        raise ValueError(f"no two models of one text whose losses differ by at most {within} nats")
    better = np.sign(score[:, None] - score[None, :]) / 2 + 0.5
    n = len(models)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    weighed = np.concatenate([np.ones((1, n)), weights])
    better_sum, pair_sum = (
        np.einsum("ri,ij,rj->r", weighed, matrix, weighed, optimize=True) for matrix in (pairs * better, pairs)
    )
    share, *draws = (better_sum / pair_sum).tolist()
    return percentile(draws, share, n=n, method=f"percentile bootstrap over models, {resamples} resamples")


def equal_loss_effects(models: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """The effects of size and of training text on the answers at equal loss, as parts of the gain above chance.

    a = chance + exp(-g L) (k + sum over texts of k_text + s log10 N) is fitted by least squares, and refitted to
    resampled models. The effect of "ten times the parameters" is s / k, at the mean of log10 N; that of a text, instead
    of the first one by the alphabet, is k_text / k.

    Source: Gadre et al. 2024 (arXiv:2403.08540), eq. 5, whose law has neither texts nor parameters beside the loss.
    """
    first, *others = sorted(models["text"].unique())
    size = np.log10(models["N"]) - np.log10(models["N"]).mean()
    movers = np.column_stack([size, *(models["text"] == other for other in others)]).astype(float)
    loss, score = models["loss"].to_numpy(), models["score"].to_numpy()
    generator = np.random.default_rng(seed)
    resampled = [generator.integers(len(models), size=len(models)) for _ in range(resamples)]
    value = _effects(loss, score, movers)
    draws = np.array([_effects(loss[rows], score[rows], movers[rows]) for rows in resampled])
    names = ["ten times the parameters", *(f"{other} instead of {first}" for other in others)]
    method = f"percentile bootstrap over models, {resamples} resamples"
    return {
        name: percentile(draws[:, place].tolist(), value[place], n=len(models), method=method)
        for place, name in enumerate(names)
    }


def _effects(loss: Array, score: Array, movers: Array) -> Array:
    """(columns of `movers`,) each column's coefficient over k, at the decay g of least squared error."""

    def fit(decay: float) -> tuple[Array, float]:
        fallen = np.exp(-decay * (loss - loss.min()))
        basis = np.column_stack([np.ones_like(loss), fallen, fallen[:, None] * movers])
        coefficients = np.linalg.lstsq(basis, score)[0]
        return coefficients, float(np.square(basis @ coefficients - score).sum())

    best = optimize.minimize_scalar(lambda decay: fit(decay)[1], bounds=DECAYS, method="bounded")
    coefficients, _ = fit(best.x)
    effects: Array = coefficients[2:] / coefficients[1]
    return effects
