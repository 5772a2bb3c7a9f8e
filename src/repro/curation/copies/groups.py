"""Groups of documents that pairs join, and the pairs themselves where all documents are compared."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from repro.curation.copies.sketches import Hashes

Pair = tuple[int, int]


def grouped(pairs: Iterable[Pair], count: int) -> list[list[int]]:
    """The groups of two or more of so many documents that pairs join, directly or by way of others; largest first."""
    leaders = list(range(count))

    def leader(place: int) -> int:
        while leaders[place] != place:
            leaders[place] = leaders[leaders[place]]
            place = leaders[place]
        return place

    for one, other in pairs:
        first, second = sorted((leader(one), leader(other)))
        leaders[second] = first
    members: dict[int, list[int]] = {}
    for place in range(count):
        members.setdefault(leader(place), []).append(place)
    return sorted((group for group in members.values() if len(group) > 1), key=lambda group: (-len(group), group[0]))


def alike_pairs(shingles: list[Hashes], least: float) -> set[Pair]:
    """All pairs of documents whose Jaccard likeness is at least `least`, the smaller number first: exact.

    Every two documents that share a shingle are counted, so a shingle of n documents costs n * n / 2.
    """
    from scipy import sparse

    _, places = np.unique(np.concatenate(shingles), return_inverse=True)
    sizes = np.array([len(each) for each in shingles])
    rows = np.repeat(np.arange(len(shingles)), sizes)
    holds = sparse.csr_array((np.ones(len(places), dtype=np.int32), (rows, places)))
    shared = sparse.triu(holds @ holds.T, k=1).tocoo()
    likeness = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    near = likeness >= least
    return set(zip(shared.row[near].tolist(), shared.col[near].tolist(), strict=True))


def found_whole(near: set[Pair], joined: set[Pair], count: int) -> tuple[int, int]:
    """The groups that near pairs make, and how many of them are still whole where only joined pairs are known."""
    groups = grouped(near, count)
    known = {tuple(group) for group in grouped(near & joined, count)}
    return len(groups), sum(tuple(group) in known for group in groups)
