"""One interval over choices among which the data do not decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from repro.floor.estimate import Estimate


def hull(estimates: Sequence[Estimate], *, of: str) -> Estimate:
    """The mean of estimates under several choices, with the interval that holds all of theirs.

    Whichever choice is right, it covers at least as often as that choice's own interval. It lies on one side of an edge
    only if all of them do, so that no choice of ours settles a claim.

    Args:
        estimates: one per choice, alike in level and unit.
        of: what is chosen, for the verdict's card: "spreads", say.

    Raises:
        ValueError: no estimate, or two that differ in level or unit.
    """
    alike = {(one.level, one.unit) for one in estimates}
    if len(alike) != 1:
        raise ValueError(f"levels and units {sorted(alike)}; a hull takes estimates of one level and unit")
    value = float(np.mean([one.value for one in estimates]))
    low, high = min(one.low for one in estimates), max(one.high for one in estimates)
    return replace(
        estimates[0], value=value, low=low, high=high, method=f"{estimates[0].method}, over {len(estimates)} {of}"
    )
