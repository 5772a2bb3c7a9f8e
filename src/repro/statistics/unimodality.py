"""Whether a sample has one heap or more: Hartigan's dip.

Legend: n values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array

Counts = NDArray[np.int64]

DRAWS = 2_000  # samples of the null


def dip(values: Sequence[float] | Array) -> float:
    """The least distance, over all x, of the sample's distribution function to one with a single mode.

    Between 1/(2n), which an evenly spread sample has, and 1/4, which two points have.

    Raises:
        ValueError: fewer than four values.

    Source: Hartigan & Hartigan 1985, The dip test of unimodality, section 4.
    """
    n = len(values)
    if n < 4:
        raise ValueError(f"{n} values; a dip needs four or more")
    x, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    to = counts.cumsum()  # n times the distribution function at each value, and before it
    before = to - counts
    low, high, found = 0, x.size - 1, 1.0
    while True:
        convex, concave = _touched(x, before, low, high, 1), _touched(x, to, low, high, -1)
        places = np.union1d(convex, concave)
        apart = _line(x, to, concave, places) - _line(x, before, convex, places)
        if apart.max() <= found:
            return found / (2 * n)
        place = int(places[apart.argmax()])
        left, right = int(convex[convex <= place][-1]), int(concave[concave >= place][0])
        rises, falls = np.arange(low, left), np.arange(right + 1, high + 1)  # where the mode is, a step costs nothing
        over = to[rises] - _line(x, before, convex, rises)
        under = _line(x, to, concave, falls) - before[falls]
        found = float(np.max([found, *over, *under]))
        if (left, right) == (low, high):
            return found / (2 * n)
        low, high = left, right


def dip_p_value(values: Sequence[float] | Array, *, draws: int = DRAWS) -> float:
    """How often as many values, uniformly drawn, have a dip at least as large: the worst case of a single mode.

    Source: Hartigan & Hartigan 1985, section 5.
    """
    seen, generator = dip(values), np.random.default_rng(0)
    beyond = sum(dip(generator.random(len(values))) >= seen - 1e-12 for _ in range(draws))
    return (beyond + 1) / (draws + 1)


def _line(x: Array, y: Counts, touched: Counts, places: Counts) -> Array:
    return np.interp(x[places], x[touched], y[touched])


def _touched(x: Array, y: Counts, low: int, high: int, side: int) -> Counts:
    """Places from low to high where the greatest convex minorant of y (side -1: least concave majorant) touches it."""
    kept: list[int] = []
    for place in range(low, high + 1):
        while len(kept) > 1:
            a, b = kept[-2:]
            if side * ((y[b] - y[a]) * (x[place] - x[a]) - (y[place] - y[a]) * (x[b] - x[a])) < 0:
                break
            kept.pop()
        kept.append(place)
    return np.array(kept)
