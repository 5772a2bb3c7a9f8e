"""From a sweep of tokenisers to shares by claim, and to the tables of their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from repro.floor.arrays import Array
from repro.floor.estimate import Estimate
from repro.statistics import clopper_pearson

KINDS = {
    "points": "every code point",
    "random": "random strings",
    "bytes": "bytes that are no UTF-8",
    "seen": "unseen words",
    "lines": "other languages",
}
WAYS = {
    "pseudocode": "pseudocode",
    "characters": "from characters",
    "tokenizers": "bytes, tokenizers",
    "tiktoken": "bytes, tiktoken",
}
SETTINGS = {"default": "as it comes", "fallback": "byte fallback alone", "llama": "set as for Llama"}
TEXTS = {
    "clean": "clean lines",
    "stumbles": "lines with stumbles",
    "random": "random strings",
    "mark": "lines with the mark",
}


def faults(learned: pd.DataFrame) -> list[Estimate]:
    """By text, merges of a rarer pair, first entries of several symbols, and entries too many or too few."""
    counts = learned["depart"] + learned["longer"] + learned["missing"].abs()
    return [Estimate.exact(count) for count in counts]


def order_shares(orders: Sequence[str]) -> tuple[float, float]:
    """Of the orders of two merges, the shares that are `lo` then `low`, and that make `low`."""
    first = np.mean([order == "lo low" for order in orders])
    unit = np.mean(["low" in order.split() for order in orders])
    return float(first), float(unit)


def orders_table(toys: pd.DataFrame, words: Sequence[Sequence[tuple[str, int]]]) -> pd.DataFrame:
    """The orders that are allowed for each text of few words, and what libraries take."""
    table = toys[["orders", "tokenizers", "sentencepiece"]].assign(orders=toys["orders"].map(", ".join))
    table.insert(0, "words", [", ".join(f"{word} {times} times" for word, times in some) for some in words])
    names = {"orders": "allowed", "tokenizers": "in tokenizers", "sentencepiece": "in sentencepiece"}
    return table.rename(columns=names)


def lost_table(returned: pd.Series) -> pd.DataFrame:
    """Strings by kind, and how many of them each way to cut fails at; empty where it was not tried."""
    columns = {name: [returned.get(f"{way}_{kind}", "") for kind in KINDS] for way, name in WAYS.items()}
    return pd.DataFrame({"strings": KINDS.values(), "number": [returned[f"n_{kind}"] for kind in KINDS], **columns})


def lost_from_bytes(returned: pd.Series) -> int:
    """Strings of all kinds that either byte-level library does not return."""
    ways = [f"{way}_{kind}" for way in ("tokenizers", "tiktoken") for kind in KINDS if kind != "bytes"]
    return int(sum(returned[name] for name in [*ways, "tiktoken_bytes"]))


def changed_shares(changed: pd.Series) -> dict[str, Estimate]:
    """By kind of text and setting, the share that SentencePiece changes; texts are drawn independently."""
    return {
        f"{shown}: {name}": clopper_pearson(int(changed[f"{way}_{kind}"]), int(changed[f"n_{kind}"]))
        for way, name in SETTINGS.items()
        for kind, shown in TEXTS.items()
    }


def share(row: pd.Series, count: str, *of: str) -> float:
    """One count over another, or over the sum of several."""
    return float(row[count] / sum(row[name] for name in of))


def excess(worlds: pd.DataFrame, rule: str) -> Array:
    """(worlds,) what a rule loses beyond the best removal, as a share of what the mean removal loses beyond it."""
    return ((worlds[rule] - worlds["best"]) / (worlds["mean"] - worlds["best"])).to_numpy()


def losses(pruned: pd.DataFrame, rules: Mapping[str, str]) -> dict[str, Array]:
    """By rule, (texts,) nats per word that its removal loses."""
    return {name: (pruned[rule] - pruned["all"]).to_numpy() for rule, name in rules.items()}
