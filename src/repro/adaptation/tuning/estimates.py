"""From sweeps of tunings to what they learnt and forgot.

A table has one row per trial, with `method`, `learning_rate`, `seed`, and lists over looks, the untuned model's first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def tuned_best(trials: pd.DataFrame) -> pd.DataFrame:
    """The trial of least validation loss at any look per method and seed, with that look; the test split has no say.

    Trials that diverged are left out; `look` counts the untuned model as 0.
    """
    kept = trials[[isinstance(losses, list) for losses in trials["validation"]]].copy()
    kept["look"] = [int(np.argmin(losses)) for losses in kept["validation"]]
    kept["chosen"] = [min(losses) for losses in kept["validation"]]
    best = kept.sort_values("chosen").groupby(["method", "seed"], sort=False).head(1)
    return best.sort_values(["method", "seed"]).reset_index(drop=True)


def at_chosen(best: pd.DataFrame, method: str, column: str) -> list[float]:
    """A column of lists at the chosen look, for one method in order of seed."""
    rows = best[best["method"] == method].sort_values("seed")
    return [float(losses[look]) for losses, look in zip(rows[column], rows["look"], strict=True)]


def forgotten_when(trial: pd.Series, learnt: float, nothing: float) -> float:
    """The share of what a model knew of the first language that is lost when it has `learnt` a share of the second.

    What is known is the loss below `nothing` (that of a model which knows no language: ln V), what can be learnt is the
    second loss of the untuned model above its floor. Read on straight lines between looks, at the first crossing.

    Raises:
        ValueError: the second language is nowhere learnt so far.
    """
    second, first = np.asarray(trial["second"], dtype=float), np.asarray(trial["first"], dtype=float)
    share = (second[0] - second) / (second[0] - float(trial["floor"]))
    beyond = np.flatnonzero(share >= learnt)
    if not beyond.size:
        raise ValueError(f"{trial['method']}, seed {trial['seed']} learns {share.max():.3f} at most, not {learnt}")
    after = int(beyond[0])
    loss = np.interp(learnt, share[after - 1 : after + 1], first[after - 1 : after + 1])
    return float((loss - first[0]) / (nothing - first[0]))


def forgotten_by(best: pd.DataFrame, method: str, learnt: float, nothing: float) -> list[float]:
    """`forgotten_when` of one method's chosen trials, in order of seed."""
    rows = best[best["method"] == method].sort_values("seed")
    return [forgotten_when(trial, learnt, nothing) for _, trial in rows.iterrows()]
