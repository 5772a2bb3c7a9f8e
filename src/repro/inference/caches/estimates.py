"""What caches say that were weighed and timed: bytes over the prediction, turns, and how a ratio grows."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import numpy as np
import pandas as pd

from repro.statistics import Estimate, clopper_pearson, student_t

TURNS = {"append": "appended", "crop": "cropped", "after": "appended"}  # what was done before the count


def furthest(weighed: pd.DataFrame) -> Estimate:
    """The ratio of measured to predicted bytes furthest from 1, by either count of `held_bytes`."""
    ratios = measured_bytes(weighed).div(weighed["predicted"], axis=0).to_numpy().ravel()
    return Estimate.exact(float(max(ratios, key=lambda ratio: abs(log2(ratio)))))


def measured_bytes(weighed: pd.DataFrame) -> pd.DataFrame:
    """Columns `storages` and `allocator`: the two counts of keys and values, counters and scales left out."""
    return pd.DataFrame({"storages": weighed["steps_held"], "allocator": weighed["steps_alive"] - weighed["beside"]})


def turns_table(weighed: pd.DataFrame) -> pd.DataFrame:
    """Columns cache, turn, held, seen, peak in bytes: a row per cache and turn of `held_bytes`' results."""
    rows = [
        {"cache": row["kind"], "turn": f"{number}. {name}"}
        | {column: row[f"{turn}_{column}"] for column in ("held", "seen", "peak")}
        for _, row in weighed.iterrows()
        for number, (turn, name) in enumerate(TURNS.items(), 1)
    ]
    return pd.DataFrame(rows)


def growth_of_ratio(lengths: Sequence[int], slow: Sequence[float], fast: Sequence[float]) -> float:
    """Slope of log (slow / fast) over log length, by least squares: 1 where the ratio grows as the length does."""
    return float(np.polyfit(np.log(lengths), np.log(np.divide(slow, fast)), 1)[0])


def changed_share(compared: pd.DataFrame) -> Estimate:
    """Share of likeliest tokens that are others with a cache, with Student's t over draws of the weights.

    Tokens of one draw are not independent: its texts loop, and its logits lie as close together as they do. Where no
    draw has changed a token, the draws are counted.

    Args:
        compared: trials of `cache_agreement`, one per draw.
    """
    if not compared["changed"].any():
        return clopper_pearson(0, len(compared))
    return student_t(list(compared["changed"] / compared["steps"]), of="draws of the weights")
