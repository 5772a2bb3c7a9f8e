"""Resamples, as the numbers of the points that each holds.

Legend: n points; rows (resamples, m) of point numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
AT_ONCE = 2**22  # counts in one block: 32 MiB, whatever the number of points


def epoch_resamples(n: int, resamples: int, seed: int) -> Rows:
    """(resamples, n) point numbers drawn with replacement.

    The legacy generator on purpose: Epoch AI's notebook calls `np.random.seed(42)` and then `np.random.choice` once per
    resample. One call of the same generator for all of them gives the same stream, so that with seed 42 every resample
    here is the resample there and objectives can be compared one by one.

    Source: epoch-research/analyzing-chinchilla, data_analysis.ipynb.
    """
    return _with_replacement(np.random.RandomState(seed), n, resamples)


def subsamples(n: int, resamples: int, seed: int, share: float) -> Rows:
    """(resamples, round(share n)) point numbers drawn without replacement.

    Raises:
        ValueError: share is not above 0 and below 1.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), table 2, whose intervals are percentiles of 80 % subsamples.
    """
    return _without(np.random.RandomState(seed), n, resamples, share)


def draw_rows(n: int, resamples: int, seed: int, share: float | None) -> Rows:
    """Resamples with replacement where share is None, else subsamples of that share."""
    return epoch_resamples(n, resamples, seed) if share is None else subsamples(n, resamples, seed, share)


def counts(rows: Rows, n: int) -> NDArray[np.float64]:
    """(resamples, n) how often each point occurs in each resample."""
    offsets = np.arange(len(rows))[:, None] * n
    return np.bincount((rows + offsets).ravel(), minlength=len(rows) * n).reshape(len(rows), n).astype(float)


def blocks(n: int, resamples: int, seed: int, share: float | None) -> Iterator[NDArray[np.float64]]:
    """The counts of `draw_rows`, (some, n) at a time, so that many resamples of many points need little memory."""
    generator, done = np.random.RandomState(seed), 0
    while done < resamples:
        some = min(max(1, AT_ONCE // n), resamples - done)
        drawn = _with_replacement(generator, n, some) if share is None else _without(generator, n, some, share)
        yield counts(drawn, n)
        done += some


def _with_replacement(generator: np.random.RandomState, n: int, resamples: int) -> Rows:
    return np.asarray(generator.choice(n, size=(resamples, n), replace=True), dtype=np.int64)


def _without(generator: np.random.RandomState, n: int, resamples: int, share: float) -> Rows:
    if not 0 < share < 1:
        raise ValueError(f"got share={share}; expected above 0 and below 1, such as 0.8 (None resamples all points)")
    return np.stack([generator.permutation(n)[: round(share * n)] for _ in range(resamples)])
