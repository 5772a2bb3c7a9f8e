"""What weighed and timed caches say."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import numpy as np
import pandas as pd

from repro.inference.caches.arms import TURNS
from repro.statistics import Estimate


def furthest(weighed: pd.DataFrame) -> Estimate:
    """Measured over predicted bytes, furthest from 1, of `held_bytes`' results: by storages and by the allocator."""
    ratios = measured_bytes(weighed).div(weighed["predicted"], axis=0).to_numpy().ravel()
    return Estimate.exact(float(max(ratios, key=lambda ratio: abs(log2(ratio)))))


def measured_bytes(weighed: pd.DataFrame) -> pd.DataFrame:
    """Columns `storages` and `allocator`: the two counts of keys and values, counters and scales left out."""
    return pd.DataFrame({"storages": weighed["steps_held"], "allocator": weighed["steps_alive"] - weighed["beside"]})


def turns_table(weighed: pd.DataFrame) -> pd.DataFrame:
    """Columns cache, turn, held, seen, peak in bytes: a row for each cache and turn of `held_bytes`' results."""
    rows = [
        {"cache": row["kind"], "turn": f"{number}. {said}"}
        | {column: row[f"{turn}_{column}"] for column in ("held", "seen", "peak")}
        for _, row in weighed.iterrows()
        for number, (turn, said) in enumerate(TURNS.items(), 1)
    ]
    return pd.DataFrame(rows)


def growth_of_ratio(lengths: Sequence[int], slow: Sequence[float], fast: Sequence[float]) -> float:
    """Slope of log (slow / fast) over log length, by least squares: 1 where the ratio grows as the length does."""
    return float(np.polyfit(np.log(lengths), np.log(np.divide(slow, fast)), 1)[0])
