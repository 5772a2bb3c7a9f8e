"""From sweeps of filters to estimates and to the table of a figure."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from repro.curation.filters.configurations import KINDS
from repro.floor.estimate import Estimate
from repro.statistics import student_t, wilson


def refused_share(runs: pd.DataFrame, group: str) -> Estimate:
    """The share of a group of bad text that is refused, over trials, each a draw of packages.

    Passages of a trial share its threshold, so trials are the sample. Where all of them refuse the same share they say
    nothing of how it varies, and the passages of all together are the sample.
    """
    refused, passages = runs[f"{group}: refused"], runs[f"{group}: of"]
    shares = list(refused / passages)
    if len(set(shares)) == 1:
        return wilson(int(refused.sum()), int(passages.sum()))
    return student_t(shares, of="draws of packages")


def mean_areas(runs: pd.DataFrame, ways: Mapping[str, str]) -> pd.DataFrame:
    """The mean area under the ROC curve of each kind of bad text by each way; `ways` has the words for each."""
    return pd.DataFrame(
        [
            {"kind": kind, "area": float(runs[f"{kind}: {way}"].mean()), "by": words}
            for way, words in ways.items()
            for kind in KINDS
        ]
    )
