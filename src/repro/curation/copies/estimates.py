"""From sweeps of sketches to estimates and to the table of a figure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from repro.curation.copies.configurations import BINS, KnownPairs
from repro.floor.estimate import Estimate
from repro.statistics import largest_mean


def curve_misfit(runs: pd.DataFrame, known: KnownPairs) -> Estimate:
    """The greatest distance of the share of pairs that bands join from its law, over likenesses."""
    apart = np.array(runs["joined"].tolist()) - [known.sketch.joined(level) for level in known.levels]
    return largest_mean([*apart.T, *-apart.T])


def shares_by_likeness(runs: pd.DataFrame, ways: Mapping[str, str]) -> pd.DataFrame:
    """The share of planted copies that each way finds, all trials together, at the middle of each bin of likeness.

    Args:
        ways: the words for each way, by its name in the sweep.
    """
    middles = [(low + high) / 2 for low, high in pairwise(BINS)]
    counts = {way: np.array(runs[f"{way}_by_likeness"].tolist()).sum(axis=0) for way in ("copies", *ways)}
    return pd.DataFrame(
        [
            {"likeness": middle, "share": hits / copies, "found by": words}
            for way, words in ways.items()
            for middle, hits, copies in zip(middles, counts[way], counts["copies"], strict=True)
            if copies
        ]
    )
