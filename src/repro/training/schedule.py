"""Learning rates over a run, counted in tokens."""

from __future__ import annotations

import math

COSINE_FLOOR = 0.1  # of the peak, at the end of a cosine; Hoffmann et al. 2022 (arXiv:2203.15556), app. B


def warmed_up(done: int, *, peak: float, warmup: int) -> float:
    """The peak, reached linearly over the first `warmup` tokens; `done` counts the step's own tokens too."""
    return peak * min(1.0, done / warmup) if warmup else peak


def cosine(done: int, *, peak: float, warmup: int, horizon: int) -> float:
    """Linear warm-up, then half a cosine down to a tenth of the peak at `horizon` tokens."""
    if done < warmup:
        return warmed_up(done, peak=peak, warmup=warmup)
    progress = min(1.0, (done - warmup) / max(1, horizon - warmup))
    return peak * (COSINE_FLOOR + (1 - COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


def decayed(done: int, *, peak: float, start: int, end: int) -> float:
    """Linear from the peak at `start` tokens to nothing at `end`; the decay of warm-up-stable-decay.

    Source: Hu et al. 2024 (arXiv:2404.06395); linear to zero as in Haegele et al. 2024 (arXiv:2405.18392).
    """
    return peak * max(0.0, (end - done) / max(1, end - start))
