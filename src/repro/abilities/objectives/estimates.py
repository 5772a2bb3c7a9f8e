"""From sweeps of objectives to the rate of each arm, and to the numbers that are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from repro.abilities.objectives.configurations import ARMS
from repro.models.counting import training_flops
from repro.training.objectives.configurations import Fitting

WAYS = ("left", "random", "gibbs")
QUESTIONS = {"open words": "open", "closed words": "closed", "open words, later": "later_open", "topic": "topic"}


def best_rates(tuning: pd.DataFrame) -> dict[str, float]:
    """The rate of least held-out loss of each arm, in the mean over the tuning's seeds; the rule is the same for all.

    Args:
        tuning: a row per trial, with `arm`, `rate` and `loss`; one that diverged has no loss, and its rate is out.
    """
    losses = tuning.groupby(["arm", "rate"])["loss"].agg(lambda part: part.mean(skipna=False)).unstack()
    return {str(arm): float(str(row.idxmin())) for arm, row in losses.iterrows()}


def with_arms(table: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The table with a column `arm`: the names in order, each for as many rows as there are seeds."""
    names = list(names)
    return table.assign(arm=np.repeat(names, len(table) // len(names)))


def of_arm(runs: pd.DataFrame, arm: str, column: str) -> list[float]:
    """A column of one arm, in order of seed.

    Raises:
        ValueError: no such arm, or a seed that diverged.
    """
    rows = runs[runs["arm"] == arm].sort_values("seed")
    if rows.empty or rows["diverged"].any():
        raise ValueError(
            f"{arm!r}: {len(rows)} runs, {int(rows['diverged'].sum())} diverged; expected runs, none of them"
        )
    return [float(value) for value in rows[column]]


def steps_to(looks: Iterable[int], shares: Iterable[float], wanted: float) -> float:
    """Steps until a share is reached, on straight lines between looks.

    Where it never is, the last look as many times as the share is of what was reached: too few, not too many.
    """
    places, found = np.array(list(looks), dtype=float), np.array(list(shares), dtype=float)
    beyond = np.flatnonzero(found >= wanted)
    if not beyond.size:
        return float(places[-1] * wanted / max(found[-1], 1e-9))
    after = int(beyond[0])
    if after == 0:
        return float(places[0])
    return float(np.interp(wanted, found[after - 1 : after + 1], places[after - 1 : after + 1]))


def tokens_read(fitting: Fitting) -> int:
    """Tokens that a model reads of each line, beside marks: more where a target is written after it."""
    length, hidden = fitting.language.length, max(1, round(fitting.language.length * fitting.objective.rate))
    spans = fitting.marks.sentinels - 1
    given = 1 + length - hidden + spans
    beside = {"causal": length, "spans": given + hidden + spans, "whole": given + length}
    return beside.get(fitting.objective.kind, 1 + length)


def work_of(fittings: Mapping[str, Fitting]) -> pd.DataFrame:
    """A row per `arm`: targets per word, tokens read per line, operations of the whole training, and the rate."""

    def row(arm: str, fitting: Fitting) -> dict[str, str | float]:
        read = tokens_read(fitting)
        flops = training_flops(fitting.model, fitting.steps * fitting.lines * read, read)
        cost = {"targets per word": targets(fitting), "tokens read per line": read, "operations, 1e9": flops / 1e9}
        return {"arm": arm, **cost, "rate times width": fitting.rate}

    return pd.DataFrame([row(arm, fitting) for arm, fitting in fittings.items()])


def targets(fitting: Fitting) -> float:
    """Predicted tokens per word of a line, in the mean."""
    length, objective = fitting.language.length, fitting.objective
    hidden, spans = max(1, round(length * objective.rate)), fitting.marks.sentinels - 1
    count = {"causal": length, "masked": length * objective.rate, "any rate": (length + 1) / 2}
    return {**count, "spans": hidden + spans + 1, "whole": length + 1}[objective.kind] / length


def arms_at(rates: Mapping[str, float], fitting: Fitting) -> dict[str, Fitting]:
    """The fitting of each arm at its own rate, alike in all else."""
    return {arm: replace(fitting, objective=ARMS[arm], rate=rate) for arm, rate in rates.items()}


def best_way(runs: pd.DataFrame, arm: str) -> str:
    """The way of writing by which an arm writes most faultless lines, in the mean over seeds."""
    rows = runs[runs["arm"] == arm]
    means = {way: rows[f"whole_{way}"].astype(float).mean() for way in WAYS if rows[f"whole_{way}"].notna().all()}
    return max(means, key=lambda way: means[way])


def faultless_over_causal(runs: pd.DataFrame, arm: str, *, drawn: int) -> list[float]:
    """Faultless lines of an arm by its best way over those of the causal arm, by seed; each count plus a half.

    The half keeps a ratio of none from looking certain: its interval then comes from how the other arm varies.
    """
    ours, theirs = of_arm(runs, arm, f"whole_{best_way(runs, arm)}"), of_arm(runs, "causal", "whole_left")
    return [(drawn * one + 0.5) / (drawn * other + 0.5) for one, other in zip(ours, theirs, strict=True)]


def visible(runs: pd.DataFrame, arm: str, *, layers: str = "") -> list[float]:
    """The share of tags of visible words that are read rightly, open and closed words alike, by seed.

    Args:
        layers: "last_" for the last layer's states alone.
    """
    pair = zip(of_arm(runs, arm, f"{layers}open"), of_arm(runs, arm, f"{layers}closed"), strict=True)
    return [(one + other) / 2 for one, other in pair]


def shares_read(runs: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """A row per arm, question and seed: the `share` that probes read rightly."""
    rows = [
        {"arm": arm, "question": question, "share": share}
        for arm in arms
        for question, column in QUESTIONS.items()
        for share in of_arm(runs, arm, column)
    ]
    return pd.DataFrame(rows)


def written_lines(runs: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """A row per arm and seed: the share of possible `steps` and of faultless `lines`, each arm by its best way."""
    rows = []
    for arm in arms:
        way = best_way(runs, arm)
        pairs = zip(of_arm(runs, arm, f"legal_{way}"), of_arm(runs, arm, f"whole_{way}"), strict=True)
        rows += [{"arm": arm, "steps": legal, "lines": whole} for legal, whole in pairs]
    return pd.DataFrame(rows)


def slower_than_causal(runs: pd.DataFrame, looks: Iterable[int], wanted: float, arm: str) -> list[float]:
    """Steps of an arm until a share of the tags of closed words is read, over those of the causal arm, by seed."""
    ours, theirs = (steps_by_arm(runs, looks, wanted, name) for name in (arm, "causal"))
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def steps_by_arm(runs: pd.DataFrame, looks: Iterable[int], wanted: float, arm: str) -> list[float]:
    """`steps_to` a share of the tags of closed words, for one arm in order of seed."""
    rows = runs[runs["arm"] == arm].sort_values("seed")
    return [steps_to(looks, shares, wanted) for shares in rows["on_the_way"]]


def on_the_way(runs: pd.DataFrame, looks: Iterable[int], arms: Iterable[str]) -> pd.DataFrame:
    """A row per arm, seed and look: `arm`, `steps`, `share` of the tags of closed words."""
    rows = runs[runs["arm"].isin(list(arms))]
    found = [
        {"arm": row["arm"], "seed": row["seed"], "steps": look, "share": share}
        for _, row in rows.iterrows()
        for look, share in zip(looks, row["on_the_way"], strict=True)
    ]
    return pd.DataFrame(found)
