"""From sweeps over vocabularies to estimates: the unit is the document, the block of sentences, or the seed.

A table has one row per vocabulary (and seed), with lists over documents, blocks or pieces of text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from repro.floor.arrays import Array
from repro.models.counting import matrix_parameters
from repro.models.decoder import Decoder
from repro.statistics import Estimate, joint_bootstrap, student_t

TENTH = 1  # the most-read tenth of the rows, the last of the list
HALF = 5  # the less-read half of them, the first five


def tokens_slope(cuts: pd.DataFrame) -> Estimate:
    """The slope of log tokens on log vocabulary over all held-out documents, which are resampled."""
    sizes = np.log(cuts["text.vocabulary"].to_numpy(dtype=float))

    def slope(*tokens: Array) -> float:
        return float(np.polyfit(sizes, np.log([one.sum() for one in tokens]), 1)[0])

    return joint_bootstrap(slope, *cuts["tokens"])


def tokens_per_byte(cuts: pd.DataFrame) -> dict[int, float]:
    """By vocabulary, tokens per byte of all held-out documents."""
    return {
        int(size): sum(tokens) / sum(spelled)
        for size, tokens, spelled in zip(cuts["text.vocabulary"], cuts["tokens"], cuts["bytes"], strict=True)
    }


def operations(shape: Decoder, vocabulary: int) -> int:
    """Operations per token in the matrices of a decoder with another vocabulary; attention to others is left out."""
    return 2 * matrix_parameters(replace(shape, vocabulary=vocabulary))


def costs_table(cuts: pd.DataFrame, shapes: Mapping[int, Decoder], small: int) -> pd.DataFrame:
    """Per byte, over what the small vocabulary takes: tokens, and operations by width; one row per vocabulary."""
    spelled = pd.Series(tokens_per_byte(cuts))
    counted = {
        f"operations, width {width}": [operations(shape, size) for size in spelled.index]
        for width, shape in shapes.items()
    }
    costs = pd.DataFrame(counted, index=spelled.index).mul(spelled, axis=0).assign(tokens=spelled)
    return costs / costs.loc[small]


def operations_ratio(cuts: pd.DataFrame, shape: Decoder, small: int, large: int) -> Estimate:
    """Operations per byte with the large vocabulary over those with the small one; documents are resampled."""
    tokens = {int(size): row for size, row in zip(cuts["text.vocabulary"], cuts["tokens"], strict=True)}
    per_token = operations(shape, large) / operations(shape, small)
    return joint_bootstrap(
        lambda many, few: float(per_token * few.sum() / many.sum()), tokens[small], tokens[large], unit="times"
    )


def unevenness(row: pd.Series) -> Array:
    """(languages - 1, blocks) tokens of each other language and, as the last row, those of the first."""
    first, *others = row["languages"]
    return np.array([row[name] for name in (*others, first)], dtype=float)


def worst_ratio(tokens: Array) -> float:
    """The greatest total of a language over that of the language they are compared with, the last row."""
    totals = tokens.sum(axis=1)
    return float(totals[:-1].max() / totals[-1])


def worst_ratio_change(small: pd.Series, large: pd.Series) -> Estimate:
    """The worst ratio with the large vocabulary minus that with the small one; blocks of sentences are resampled."""
    few, many = unevenness(large), unevenness(small)

    def change(*rows: Array) -> float:
        return worst_ratio(np.array(rows[: len(few)])) - worst_ratio(np.array(rows[len(few) :]))

    return joint_bootstrap(change, *few, *many)


def without_costliest(*rows: pd.Series) -> list[pd.Series]:
    """The same trials without the language, other than the first, that takes most tokens in the first of them."""
    first, *others = rows[0]["languages"]
    costliest = max(others, key=lambda name: sum(rows[0][name]))
    left = [first, *(name for name in others if name != costliest)]
    return [pd.Series({"languages": left, **{name: row[name] for name in left}}) for row in rows]


def worst_tokens_ratio(small: pd.Series, large: pd.Series) -> Estimate:
    """Tokens of the costliest language with the small vocabulary over those with the large; blocks are resampled."""
    few, many = unevenness(large), unevenness(small)

    def ratio(*rows: Array) -> float:
        return float(np.array(rows[len(few) :]).sum(axis=1).max() / np.array(rows[: len(few)]).sum(axis=1).max())

    return joint_bootstrap(ratio, *few, *many, unit="times")


def moved_less(runs: pd.DataFrame) -> list[float]:
    """Per seed, how far the less-read half of the rows moved over how far the most-read tenth did."""
    return [float(np.mean(moved[:HALF]) / np.mean(moved[-TENTH:])) for moved in runs["moved"]]


def rows_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds by vocabulary: what a run read, and what became of its rows."""
    both = 2 * runs["run.model.vocabulary"] * runs["run.model.width"] / runs["parameters"]
    columns = {
        "entries": runs["run.model.vocabulary"],
        "MB read": runs["bytes_read"] / 1e6,
        "share of parameters in both matrices": both,
        "read seldom, share": runs["seldom"],
        "never read, share": runs["unread"],
        "way of the less-read half": moved_less(runs),
    }
    return pd.DataFrame(columns).groupby("entries", as_index=False).mean().round(2)


def of_vocabulary(runs: pd.DataFrame, vocabulary: int, column: str) -> list[float]:
    """A column of the runs with one vocabulary, in order of seed."""
    return [float(value) for value in at(runs, vocabulary)[column]]


def at(runs: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """The runs with one vocabulary, in order of seed."""
    return runs[runs["run.model.vocabulary"] == vocabulary].sort_values("seed")


def rare_cost(runs: pd.DataFrame, vocabulary: int) -> list[float]:
    """Per seed, bits per byte that rare words cost more than common ones."""
    rare, common = (np.array(of_vocabulary(runs, vocabulary, name)) for name in ("rare_bits", "common_bits"))
    return [float(more) for more in rare - common]


def rates_chosen(tried: pd.DataFrame, rates: Sequence[float]) -> dict[int, float]:
    """By vocabulary, the rate of fewest bits per byte, of the same few.

    Args:
        tried: a row per vocabulary and, within it, per rate.

    Raises:
        ValueError: rows for more than one seed.
    """
    if tried["seed"].nunique() != 1:
        raise ValueError(f"{tried['seed'].nunique()} seeds; rates are chosen on one that no estimate uses")
    sizes = tried["run.model.vocabulary"].to_numpy().reshape(-1, len(rates))[:, 0]
    losses = tried["bits_per_byte"].to_numpy(dtype=float).reshape(-1, len(rates))
    return {int(size): rates[int(row.argmin())] for size, row in zip(sizes, losses, strict=True)}


def retraining_spared(fresh: Sequence[float], swapped: Sequence[float], whole: Sequence[float]) -> Estimate:
    """The share of the gap between a fresh model after few steps and after all that a swapped one closes in few.

    Args:
        fresh, swapped, whole: bits per byte, one per seed each.
    """
    few, ours, all_steps = (np.asarray(part, dtype=float) for part in (fresh, swapped, whole))
    return student_t(list((few - ours) / (few - all_steps)))


def best_and_worst(right: Mapping[str, float]) -> tuple[str, str]:
    """The way of cutting that gets most sums right, and the one that gets fewest, on the seed that tuned them."""
    ranked = sorted(right, key=lambda cut: right[cut])
    return ranked[-1], ranked[0]
