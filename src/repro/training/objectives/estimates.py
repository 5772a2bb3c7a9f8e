"""From tables of derivatives to what depends on what.

Legend: T tokens; a table has its T x T derivatives row by row, a row per token of the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array

Pairs = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]


def most_seen(tables: Iterable[Sequence[float]], pairs: Pairs) -> float:
    """The largest derivative among the pairs of tokens (of the logits, that was read) that a rule chooses."""
    return max(float(square[_chosen(square, pairs)].max()) for square in map(_square, tables))


def least_seen(tables: Iterable[Sequence[float]], pairs: Pairs) -> float:
    """The least derivative among the pairs of tokens that a rule chooses."""
    return min(float(square[_chosen(square, pairs)].min()) for square in map(_square, tables))


def marks_of(table: Sequence[float]) -> list[str]:
    """A line per token of the logits: a mark for each token that was read, a dot where nothing depends on it."""
    return ["".join("■" if derivative else "·" for derivative in row) for row in _square(table)]


def _square(table: Sequence[float]) -> Array:
    side = round(len(table) ** 0.5)
    return np.asarray(table, dtype=float).reshape(side, side)


def _chosen(square: Array, pairs: Pairs) -> NDArray[np.bool_]:
    places = np.indices(square.shape)
    return pairs(places[0], places[1])
