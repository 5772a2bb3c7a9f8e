"""From sweeps of filters to the table of a figure."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from repro.curation.filters.configurations import KINDS


def mean_areas(runs: pd.DataFrame, ways: Mapping[str, str]) -> pd.DataFrame:
    """The mean area under the ROC curve of each kind of bad text by each way; `ways` has the words for each."""
    return pd.DataFrame(
        [
            {"kind": kind, "area": float(runs[f"{kind}: {way}"].mean()), "by": words}
            for way, words in ways.items()
            for kind in KINDS
        ]
    )
