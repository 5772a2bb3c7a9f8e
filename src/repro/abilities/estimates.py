"""How a score grows with the size of models that were trained alike, seed by seed; tables of runs for figures.

Legend: S seeds, N sizes in growing order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.abilities.configurations import EXAMS, KINDS
from repro.abilities.scores import SURE, items_needed
from repro.corpora.languages.problems import Problems
from repro.floor.arrays import Array
from repro.statistics import Estimate, clopper_pearson, newcombe, paired_t, resampled_seeds, student_t

LEARNED = 0.3  # beyond a guess, in share of right answers; below it a gain may be that of guesses among fewer values
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
    """The runs with a column for each threshold of a smooth score, and the names of all scores that differ by run."""
    places = len(runs["at_least"].iloc[0])
    cuts = {f"at least {n} of {places} tokens": runs["at_least"].str[n - 1] for n in range(1, places)}
    cuts |= {f"surer of it than {cut:g}": runs["surer_than"].str[place] for place, cut in enumerate(SURE)}
    wide = runs.assign(**cuts)
    names = {**SCORES, **{name: name for name in cuts}}
    return wide, {score: name for score, name in names.items() if wide[score].nunique() > 1}


def by_seed(runs: pd.DataFrame, score: str) -> pd.DataFrame:
    """One score, a row per seed and a column per number of parameters; negated where less of it is better."""
    wide = runs[~runs["diverged"]].pivot(index="seed", columns="parameters", values=score).sort_index(axis=1)
    return -wide if score in SMALLER_BETTER else wide


def jumps(curves_SN: pd.DataFrame) -> Array:
    """(S,) the jump of each seed: its gain from one size to the next, over the gain per step at an even pace.

    The step from size to size is the one where the other seeds gain most, so that chance in the seed itself does not
    choose it. A straight line gives 1 and a stair the number of steps. The even pace divides the gain of the mean over
    seeds by the number of steps.

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


def without_smallest(curves_SN: pd.DataFrame, estimate: Callable[[pd.DataFrame], Estimate]) -> dict[str, Estimate]:
    """An estimate with the smallest size left out, by that choice in words; none where four sizes or fewer are."""
    return {"the smallest size left out": estimate(curves_SN.iloc[:, 1:])} if curves_SN.shape[1] > 4 else {}


def unforeseen(curves_SN: pd.DataFrame) -> Array:
    """(S,) how far each seed's score at the last size lies above what its smaller half foretells, over the whole range.

    What is foretold is a line in log parameters through the scores of the smaller half of the sizes.

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
    """(S,) each seed's emergence score by one metric over its score by another, of answers to `items` problems."""
    pairs = zip(_whole(curves_SN), _whole(against_SN), strict=True)
    return np.array([emergence_score(a, least=1 / items) / emergence_score(b, least=1 / items) for a, b in pairs])


def misses(runs: pd.DataFrame, score: str, *, along: str) -> Array:
    """(S,) the mean distance between each seed's scores and those that the other seeds foretell along one axis.

    The others foretell a line from point to point of their mean scores at each place on the axis; beyond its ends, the
    score there. Along "parameters" it is the mean of the other seeds at the same size.
    """
    ended, distances = runs[~runs["diverged"]], []
    for seed in sorted(ended["seed"].unique()):
        own, others = ended[ended["seed"] == seed], ended[ended["seed"] != seed].groupby(along)[score].mean()
        foretold = np.interp(own[along], others.index, others)
        distances.append(float(np.abs(own[score] - foretold).mean()))
    return np.array(distances)


def question_loss(runs: pd.DataFrame, problems: Problems) -> pd.Series[float]:
    """Each run's loss on the tokens of the question, in nats per token: that of whole lines, without the answer's."""
    targets, answer = problems.length - 1, problems.length - problems.asked
    return (targets * runs["validation_loss"] - answer * runs["cross_entropy"]) / (targets - answer)


def nearest_half(curves_SN: pd.DataFrame) -> int:
    """The number of parameters at which the mean over seeds is nearest the middle of the scores' range."""
    middle = (curves_SN.min().min() + curves_SN.max().max()) / 2
    return int((curves_SN.mean() - middle).abs().idxmin())


def product_room(accuracies: Sequence[float]) -> float:
    """How far the product of places' accuracies may lie from the share of answers right at all places, at most.

    Nothing but Fréchet's bounds holds for that share, whatever depends on what: at most the least accuracy, at least
    what the errors leave. Where all places but one are perfect the bounds meet, and the product cannot err.

    Source: Fréchet 1935, Généralisation du théorème des probabilités totales.
    """
    product = math.prod(accuracies)
    return max(min(accuracies) - product, product - max(0.0, 1 - sum(1 - share for share in accuracies)))


def has_learned(shares: Sequence[float], *, guess: float) -> bool:
    """Whether models answer right so much more often than a guess, by `LEARNED`, that what helps them can be judged.

    Args:
        shares: of right answers, one per seed.
    """
    return float(np.mean(shares)) > guess + LEARNED


def share_over_seeds(shares: Sequence[float], items: int) -> Estimate:
    """A share of right answers over seeds; where all seeds agree to the last answer, over the answers.

    Args:
        shares: of right answers, one per seed.
        items: questions that each seed answers, the same for all, so that they are counted once.
    """
    if len(set(shares)) > 1:
        return student_t(shares)
    return clopper_pearson(round(shares[0] * items), items)


def gain_over_seeds(after: Sequence[float], before: Sequence[float], items: int) -> Estimate:
    """What a share gained, paired by seed; where all seeds agree to the last answer in either, over the answers."""
    if len(set(after)) + len(set(before)) > 2:
        return paired_t(after, before)
    return newcombe(*((round(shares[0] * items), items) for shares in (after, before)))


def shares_right(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts of `correct` among `items`, with the share right and how large it may be: none right is an interval too.

    `share`; `up to` the upper end of its exact interval; `problems needed` by a test that would show a success with
    95 % chance, were the true share that end.
    """
    shares = [clopper_pearson(int(correct), int(items)) for correct, items in counts[["correct", "items"]].to_numpy()]
    columns = {
        "share": [share.value for share in shares],
        "up to": [share.high for share in shares],
        "problems needed": [items_needed(min(share.high, 0.999)) for share in shares],
    }
    return counts.join(pd.DataFrame(columns, index=counts.index))


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
    return float(emergence_scores(y, least=least))


def emergence_scores(curves: ArrayLike, *, least: float = 0.0) -> Array:
    """(...) the `emergence_score` of each curve, (..., N)."""
    scores = np.asarray(curves, dtype=float)
    usual = np.maximum(least, np.sqrt(np.median(np.diff(scores) ** 2, axis=-1)))
    span = np.sign(scores.argmax(axis=-1) - scores.argmin(axis=-1)) * np.ptp(scores, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(usual > 0, span / usual, np.copysign(math.inf, span)))


def mean_score_ratio(curves_SN: pd.DataFrame, against_SN: pd.DataFrame, *, items: int, unit: str = "") -> Estimate:
    """The emergence score of the mean curve over seeds by one metric, over that by another, seeds resampled.

    A mean of the seeds' own ratios would be ruled by those that hardly learn, and divide noise by noise; and ratios may
    be negative.
    """

    def ratio(ours: Array, theirs: Array) -> Array:
        return emergence_scores(ours, least=1 / items) / emergence_scores(theirs, least=1 / items)

    return resampled_seeds(ratio, _whole(curves_SN), _whole(against_SN), unit=unit)


def exams_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Exams, a row per run and length of exam: parameters, seed, diverged, questions, passed, taken, share."""
    ended = runs.loc[~runs["diverged"], ["parameters", "seed", "diverged", "passed", "taken"]]
    ended["questions"] = pd.Series([list(EXAMS)] * len(ended), index=ended.index)
    long = ended.explode(["questions", "passed", "taken"], ignore_index=True).infer_objects()
    return long.assign(share=long["passed"] / long["taken"])


def by_pairs(runs: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """Translations, a row per run, kind of line and number of pairs shown: seed, kind, pairs, share."""
    first = 1 if suffix else 0
    parts = []
    for kind, name in KINDS.items():
        for seed, shares in zip(runs["seed"], runs[f"{kind}{suffix}"], strict=True):
            shown = range(first, first + len(shares))
            parts.append(pd.DataFrame({"seed": seed, "kind": name, "pairs": shown, "share": shares}))
    return pd.concat(parts, ignore_index=True)
