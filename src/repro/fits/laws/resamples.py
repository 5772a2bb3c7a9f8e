"""Resamples, as the numbers of the points that each holds.

Legend: n points; rows (resamples, m) of point numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def epoch_resamples(n: int, resamples: int, seed: int) -> Rows:
    """(resamples, n) point numbers drawn with replacement.

    The legacy generator on purpose: Epoch AI's notebook calls `np.random.seed(42)` and then `np.random.choice` once per
    resample. One call of the same generator for all of them gives the same stream, so that with seed 42 every resample
    here is the resample there and objectives can be compared one by one.

    Source: epoch-research/analyzing-chinchilla, data_analysis.ipynb.
    """
    return np.asarray(np.random.RandomState(seed).choice(n, size=(resamples, n), replace=True), dtype=np.int64)


def subsamples(n: int, resamples: int, seed: int, share: float) -> Rows:
    """(resamples, round(share n)) point numbers drawn without replacement.

    Raises:
        ValueError: share is not above 0 and below 1.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), table 2, whose intervals are percentiles of 80 % subsamples.
    """
    if not 0 < share < 1:
        raise ValueError(f"got share={share}; expected above 0 and below 1, such as 0.8 (None resamples all points)")
    generator = np.random.RandomState(seed)
    return np.stack([generator.permutation(n)[: round(share * n)] for _ in range(resamples)])


def draw_rows(n: int, resamples: int, seed: int, share: float | None) -> Rows:
    """Resamples with replacement where share is None, else subsamples of that share."""
    return epoch_resamples(n, resamples, seed) if share is None else subsamples(n, resamples, seed, share)


def counts(rows: Rows, n: int) -> NDArray[np.float64]:
    """(resamples, n) how often each point occurs in each resample."""
    offsets = np.arange(len(rows))[:, None] * n
    return np.bincount((rows + offsets).ravel(), minlength=len(rows) * n).reshape(len(rows), n).astype(float)
