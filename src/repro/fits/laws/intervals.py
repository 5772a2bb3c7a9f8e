"""Bootstrap draws on record, as a few quantiles, and the estimate that is read back from them.

An interval of some level is read from the two quantiles that it needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from repro.floor.estimate import LEVEL, Estimate
from repro.floor.measurement import Number

Entries = dict[str, Number | list[Number]]  # of a record, while it is put together
QUANTILES = (0.005, 0.025, 0.1, 0.5, 0.9, 0.975, 0.995)
DIGITS = 8  # far more than the Monte Carlo error of a quantile, and half the bytes of a full double


def rounded(values: ArrayLike) -> list[Number]:
    """Plain numbers of eight significant digits."""
    return [float(f"{value:.{DIGITS}g}") for value in np.asarray(values, dtype=float).ravel()]


def quantiles(draws: ArrayLike) -> list[Number]:
    """The recorded quantiles of (resamples,) draws, in the order of QUANTILES."""
    return rounded(np.quantile(np.asarray(draws, dtype=float), QUANTILES))


def recorded_estimate(
    row: Mapping[Any, Any], name: str, *, level: float = LEVEL, at: int | None = None, unit: str = ""
) -> Estimate:
    """The estimate of one quantity of a record (a row of a sweep's table).

    Args:
        row: holds `name`, `name_quantiles`, `runs` and `draws`.
        at: which budget, where the quantity has one value per budget.

    Raises:
        ValueError: the record does not keep the quantiles of that level.
    """
    tail = (1 - level) / 2
    places = [index for index, share in enumerate(QUANTILES) if min(abs(share - tail), abs(share - 1 + tail)) < 1e-9]
    if len(places) != 2:
        levels = ", ".join(f"{1 - 2 * share:.2f}" for share in QUANTILES if share < 0.5)
        raise ValueError(f"got level={level}; a record keeps the intervals of levels {levels}")
    value = row[name] if at is None else row[name][at]
    recorded = row[f"{name}_quantiles"][(at or 0) * len(QUANTILES) :]
    method = f"percentile bootstrap, {row['draws']} resamples"
    return Estimate(float(value), recorded[places[0]], recorded[places[1]], level, int(row["runs"]), unit, method)


def up_to_edge(estimate: Estimate, edge: float) -> Estimate:
    """The estimate, without an upper bound where its interval ends at the edge of what was searched.

    The edge says where the search stopped and not where the data stop agreeing.
    """
    return replace(estimate, high=math.inf) if estimate.high >= edge * (1 - 1e-6) else estimate
