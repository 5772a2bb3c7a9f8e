"""The batch size up to which larger batches save steps at little cost in data.

Legend: B tokens per step, E tokens to reach a loss, S = E / B steps to reach it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar


@dataclass(frozen=True)
class BatchTradeOff:
    """The trade of steps for tokens, (S / S_min - 1)(E / E_min - 1) = 1, which is E = E_min (1 + B / critical).

    Fields: `E_min` tokens needed at the smallest batches; `critical` the batch E_min / S_min, where twice as many are.
    Source: McCandlish et al. 2018 (arXiv:1812.06162), eq. 2.7; Kaplan et al. 2020 (arXiv:2001.08361), eq. 5.1.
    """

    E_min: float
    critical: float

    def tokens(self, batch: ArrayLike) -> np.ndarray:
        """Tokens to reach the loss at a batch size."""
        return np.asarray(self.E_min * (1 + np.asarray(batch, dtype=float) / self.critical))


def fit_trade_off(batch: ArrayLike, tokens: ArrayLike) -> BatchTradeOff:
    """Least squares of log tokens over E_min and the critical batch, sought from a hundredth to 100 times the sizes.

    Raises:
        ValueError: fewer than three batch sizes, or one that never reached the loss.
    """
    B, log_E = np.asarray(batch, dtype=float), np.log(np.asarray(tokens, dtype=float))
    if len(set(B)) < 3:
        raise ValueError(f"{len(set(B))} batch sizes; a fit of two numbers needs at least three")
    if not np.isfinite(log_E).all():
        raise ValueError(f"batches {B[~np.isfinite(log_E)]} never reach the loss; train longer or ask for less")

    def residuals(log_critical: float) -> np.ndarray:
        apart = log_E - np.log1p(B / np.exp(log_critical))
        return np.asarray(apart - apart.mean())

    bounds = np.log(B.min() / 100), np.log(B.max() * 100)
    starts = np.linspace(*bounds, 50)
    best = int(np.argmin([(residuals(start) ** 2).sum() for start in starts]))
    near = starts[max(0, best - 1)], starts[min(len(starts) - 1, best + 1)]
    log_critical = float(minimize_scalar(lambda x: (residuals(x) ** 2).sum(), bounds=near, method="bounded").x)
    critical = float(np.exp(log_critical))
    return BatchTradeOff(float(np.exp((log_E - np.log1p(B / critical)).mean())), critical)


def tokens_to_reach(loss: float, tokens: ArrayLike, losses: ArrayLike) -> float:
    """Tokens at which a loss curve first reaches `loss`, linear in log tokens between readings; inf if it never does.

    Args:
        tokens, losses: (readings,) in the order of training.
    """
    log_D, L = np.log(np.asarray(tokens, dtype=float)), np.asarray(losses, dtype=float)
    below = np.flatnonzero(loss >= L)
    if not len(below):
        return float("inf")
    last = int(below[0])
    if last == 0:
        return float(np.exp(log_D[0]))
    share = (L[last - 1] - loss) / (L[last - 1] - L[last])
    return float(np.exp(log_D[last - 1] + share * (log_D[last] - log_D[last - 1])))
