"""Choosing among trained arms by what they can see, and comparing those chosen at equal KL.

A table holds a row a trial: seed, own_loss, and lists over looks where a method was watched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def tuned(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """For each group and seed the row of least own loss, sorted by these; gold chooses nothing."""
    keys = [*by, "seed"]
    return table.sort_values("own_loss").groupby(keys, sort=False).head(1).sort_values(keys).reset_index(drop=True)


def column_of(table: pd.DataFrame, column: str, **where: object) -> list[float]:
    """A column of the rows that match, in order of seed."""
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    return [float(number) for number in table.sort_values("seed")[column]]


def at_equal_kl(kl: Sequence[float], gold: Sequence[float], level: float, origin: float) -> float:
    """Gold at a KL, on straight lines between a method's points; the first starts at the reference, KL 0.

    Args:
        origin: gold of the reference.

    Raises:
        ValueError: no point lies at or beyond the level: a line is never drawn on.
    """
    if max(kl) < level:
        raise ValueError(f"no policy reaches KL {level}; the farthest has {max(kl):.3g}")
    order = np.argsort(kl)
    return float(np.interp(level, [0.0, *np.take(kl, order)], [origin, *np.take(gold, order)]))
