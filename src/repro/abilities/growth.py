"""How a score grows with the size of models that were trained alike, seed by seed.

Legend: S seeds, N sizes in growing order.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.abilities.shape import emergence_score

Array = NDArray[np.float64]

SMALLER_BETTER = ("cross_entropy", "brier", "edit_distance")


def by_seed(runs: pd.DataFrame, score: str) -> pd.DataFrame:
    """A row a seed, a column a number of parameters, each cell a score; one of which less is better is negated."""
    wide = runs[~runs["diverged"]].pivot(index="seed", columns="parameters", values=score).sort_index(axis=1)
    return -wide if score in SMALLER_BETTER else wide


def jumps(curves_SN: pd.DataFrame) -> Array:
    """(S,) what each seed gains in the step where the others gain most, over what an even pace gains a step.

    A straight line gives 1 and a stair the number of steps. The step is chosen without the seed that is read there, so
    that chance does not choose it; the whole gain is that of the mean over seeds.

    Raises:
        ValueError: fewer than two seeds, or no gain at all.
    """
    curves = _whole(curves_SN)
    mean = curves.mean(axis=0)
    if len(curves) < 2 or np.ptp(mean) == 0:
        raise ValueError(f"{len(curves)} seeds with a range of {np.ptp(mean):g}; expected two or more, and a gain")
    steps = np.diff(curves, axis=1)
    others = (steps.sum(axis=0) - steps) / (len(steps) - 1)
    return np.asarray(steps[np.arange(len(steps)), others.argmax(axis=1)] * steps.shape[1] / np.ptp(mean))


def unforeseen(curves_SN: pd.DataFrame) -> Array:
    """(S,) the last size's score above a line in log parameters through the smaller half, over the whole range.

    Raises:
        ValueError: fewer than four sizes.
    """
    curves, x = _whole(curves_SN), np.log(curves_SN.columns.to_numpy(dtype=float))
    half = x.size - x.size // 2
    if x.size < 4:
        raise ValueError(f"{x.size} sizes; a line through the smaller half needs at least four in all")
    slopes, starts = np.polyfit(x[:half], curves[:, :half].T, 1)
    return np.asarray((curves[:, -1] - starts - slopes * x[-1]) / np.ptp(curves.mean(axis=0)))


def score_ratios(curves_SN: pd.DataFrame, against_SN: pd.DataFrame, *, items: int) -> Array:
    """(S,) each seed's emergence score by one metric over that by another, of answers to so many problems."""
    pairs = zip(_whole(curves_SN), _whole(against_SN), strict=True)
    return np.array([emergence_score(a, least=1 / items) / emergence_score(b, least=1 / items) for a, b in pairs])


def _whole(curves_SN: pd.DataFrame) -> Array:
    """The seeds that have every size."""
    return curves_SN.dropna().to_numpy(dtype=float)
