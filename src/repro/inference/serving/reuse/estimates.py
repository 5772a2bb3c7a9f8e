"""From a sweep of similar answers to what may be saved by them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from repro.floor.arrays import Array


def saved_safely(arms: Sequence[pd.DataFrame], *, wrong: float) -> Array:
    """(seeds,) the share of questions that the cache answers, at the arm and threshold that the other seeds choose.

    They are those that answer most among those at which the others answer at most the share `wrong` wrongly; where
    there are none, repeats of the same text alone are answered.

    Args:
        arms: the sweep of each way to compare texts, a row per seed, over the same questions.
    """
    answered, missed = (
        np.concatenate([np.array(runs[name].tolist()) for runs in arms], axis=1) for name in ("answered", "wrong")
    )
    exact = arms[0]["exact"].to_numpy()
    saved = []
    for seed in range(len(exact)):
        others = np.arange(len(exact)) != seed
        safe = missed[others].mean(axis=0) <= wrong
        best = np.where(safe, answered[others].mean(axis=0), -np.inf).argmax()
        saved.append(answered[seed, best] if safe.any() else exact[seed])
    return np.array(saved)
