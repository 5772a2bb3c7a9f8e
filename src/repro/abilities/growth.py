"""How a score grows with the size of models that were trained alike, seed by seed.

Legend: S seeds, N sizes in growing order.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.abilities.scores import SURE, items_needed
from repro.floor.arrays import Array
from repro.statistics import clopper_pearson

SMALLER_BETTER = ("cross_entropy", "brier", "edit_distance", "hamming", "numeric_error", "validation_loss")
# Scores of the same answers that can grow, and how a figure names them; rescaled ones have the same shape.
SCORES = {
    "exact_match": "exact match",
    "answer_probability": "probability of the answer",
    "token_accuracy": "tokens right (Hamming)",
    "edit_distance": "edit distance",
    "numeric_error": "numeric error",
    "brier": "Brier score",
    "cross_entropy": "loss (log-likelihood)",
}


def cut_off(runs: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The runs with a column for each threshold of a smooth score, and all scores that differ over them by name."""
    places = len(runs["at_least"].iloc[0])
    cuts = {f"at least {n} of {places} tokens": runs["at_least"].str[n - 1] for n in range(1, places)}
    cuts |= {f"surer of it than {cut:g}": runs["surer_than"].str[place] for place, cut in enumerate(SURE)}
    wide = runs.assign(**cuts)
    names = {**SCORES, **{name: name for name in cuts}}
    return wide, {score: name for score, name in names.items() if wide[score].nunique() > 1}


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


def misses(runs: pd.DataFrame, score: str, *, along: str) -> Array:
    """(S,) how far each seed's score lies on average from what the other seeds' runs foretell, along one axis.

    What they foretell is a line from point to point of their own scores, each the mean of its place on the axis; a run
    beyond its ends gets the score there. Along "parameters" it is the mean of the other seeds at the same size.
    """
    kept, far = runs[~runs["diverged"]], []
    for seed in sorted(kept["seed"].unique()):
        own, others = kept[kept["seed"] == seed], kept[kept["seed"] != seed].groupby(along)[score].mean()
        told = np.interp(own[along], others.index, others)
        far.append(float(np.abs(own[score] - told).mean()))
    return np.array(far)


def nearest_half(curves_SN: pd.DataFrame) -> int:
    """The number of parameters at which the mean over seeds is nearest the middle of the scores' range."""
    middle = (curves_SN.min().min() + curves_SN.max().max()) / 2
    return int((curves_SN.mean() - middle).abs().idxmin())


def seen_at_all(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts `correct` of `items`, with what they show of the share: zero right answers are an interval, not a point.

    `share`, `up to` the upper end of the exact interval, and `problems needed` by a test that would show a success with
    95 % chance, were the true share that end.
    """
    found = [clopper_pearson(int(right), int(items)) for right, items in counts[["correct", "items"]].to_numpy()]
    needed = [items_needed(min(one.high, 0.999)) for one in found]
    told = {"share": [one.value for one in found], "up to": [one.high for one in found], "problems needed": needed}
    return counts.join(pd.DataFrame(told, index=counts.index))


def _whole(curves_SN: pd.DataFrame) -> Array:
    """The seeds that have every size."""
    return curves_SN.dropna().to_numpy(dtype=float)


def emergence_score(y: ArrayLike, *, least: float = 0.0) -> float:
    """The signed range over the root of the median squared step, of scores in order of scale.

    100 is a jump a hundred times the usual step, which may be noise; infinite where half of the steps are nothing.

    Args:
        least: the smallest step that the test can show, one over its items; a usual step below it counts as it.

    Source: Schaeffer et al. 2023 (arXiv:2304.15004), eq. 1; BIG-bench's breakthroughness (arXiv:2206.04615).
    """
    scores = np.asarray(y, dtype=float)
    usual = max(least, math.sqrt(float(np.median(np.diff(scores) ** 2))))
    span = float(np.sign(scores.argmax() - scores.argmin()) * np.ptp(scores))
    return span / usual if usual else math.copysign(math.inf, span)
