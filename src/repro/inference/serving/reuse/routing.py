"""A question to a small model, and to a large one where the small one is unsure: what it costs, and what it loses.

Legend: n questions.
"""

from __future__ import annotations

import numpy as np

from repro.floor.arrays import Array


def routed(sure_n: Array, small_n: Array, large_n: Array, *, cost: float, points: float) -> dict[str, float]:
    """The cost of routing at a threshold that the first half of the questions chooses, read on the second half.

    Every question costs `cost` times one of the large model; those of which the small model is less sure than the
    threshold cost 1 more. Returns `saved` of the cost of always asking the large model; `lost` points of accuracy
    beside it; `saved_by_chance` where as many points are lost by sending questions at random, those of the large
    model not being asked of the small one; `over_chance` points of accuracy more than such a draw at equal cost, half
    of the questions sent on; and both accuracies.

    Args:
        sure_n: the small model's probability of its answer; `small_n`, `large_n` whether each model is right.
        points: of accuracy that may be lost.

    Raises:
        ValueError: the small model costs nothing, or as much as the large one.
    """
    if not 0 < cost < 1:
        raise ValueError(f"a small model at {cost:g} of the large one's cost; give a smaller one, above 0 and below 1")
    half = len(sure_n) // 2
    threshold = _threshold(sure_n[:half], small_n[:half], large_n[:half], points)
    sure, small, large = sure_n[half:], small_n[half:].astype(float), large_n[half:].astype(float)
    sent = sure < threshold
    lead = large.mean() - small.mean()
    surest = np.argsort(np.argsort(-sure, kind="stable")) < len(sure) / 2
    kept_at_that_cost = max(0.0, 0.5 - cost) / (1 - cost)  # of a draw, which asks one model alone
    return {
        "saved": 1 - cost - sent.mean(),
        "lost": large.mean() - np.where(sent, large, small).mean(),
        "saved_by_chance": (min(1.0, points / lead) if lead > 0 else 1.0) * (1 - cost),
        "over_chance": np.where(surest, small, large).mean() - (large.mean() - kept_at_that_cost * lead),
        "small": small.mean(),
        "large": large.mean(),
    }


def _threshold(sure_n: Array, small_n: Array, large_n: Array, points: float) -> float:
    """The least sureness at which the small model's answer is taken without losing more than these points."""
    order = np.argsort(-sure_n, kind="stable")
    lost_n = np.cumsum(large_n[order].astype(float) - small_n[order].astype(float)) / len(order)
    within = np.flatnonzero(lost_n <= points)
    return float(sure_n[order[within[-1]]]) if len(within) else np.inf
