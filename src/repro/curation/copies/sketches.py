"""Sketches of documents: MinHash with bands, and SimHash, on arrays of hashed shingles.

Legend: N documents, K hash functions, R bands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from repro.corpora.texts.near_duplicates import hashed_runs
from repro.curation.copies.configurations import Sketch

Hashes = NDArray[np.uint64]
WORDS = 5  # of a shingle
_AT_ONCE = 4_096  # shingles, so that a long document takes no more memory than a short one


def word_shingles(text: str) -> Hashes:
    """(shingles,) distinct hashes of runs of five neighbouring words, whatever stands between them."""
    return hashed_runs(text.split(), WORDS)


def mixed(values: Hashes) -> Hashes:
    """Each value with its bits well mixed: the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class MinHash:
    """So many hash functions, each of which keeps the smallest hash of a set.

    Two sets share that of a random order with a chance equal to their Jaccard likeness, so the share of equal values
    estimates it with a standard error of sqrt(J (1 - J) / K).

    Source: Broder 1997, On the resemblance and containment of documents, section 3.
    """

    def __init__(self, hashes: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 51])
        self.factors_K = rng.integers(0, 2**64, hashes, dtype=np.uint64) | np.uint64(1)
        self.terms_K = rng.integers(0, 2**64, hashes, dtype=np.uint64)

    def signature(self, items: Hashes) -> Hashes:
        """(K,) the smallest value of each hash function over a set of at least one item."""
        if not len(items):
            raise ValueError("an empty set has no smallest hash; leave it out")
        least_K = np.full(len(self.factors_K), 2**64 - 1, dtype=np.uint64)
        for start in range(0, len(items), _AT_ONCE):
            part = mixed(items[start : start + _AT_ONCE])
            hashed = part[None, :] * self.factors_K[:, None] + self.terms_K[:, None]
            least_K = np.minimum(least_K, hashed.min(axis=1))
        return least_K


def band_keys(signatures_NK: Hashes, sketch: Sketch) -> Hashes:
    """(N, R) one key per band, equal where all its rows are."""
    banded = signatures_NK.reshape(len(signatures_NK), sketch.bands, sketch.rows)
    keys = np.zeros(banded.shape[:2], dtype=np.uint64)
    for row in range(sketch.rows):
        keys = mixed(keys ^ banded[:, :, row])
    return keys


def buckets(keys_NR: Hashes) -> Iterator[list[int]]:
    """The documents that share the key of a band, where they are two or more."""
    for keys in keys_NR.T:
        held: dict[int, list[int]] = defaultdict(list)
        for place, key in enumerate(keys.tolist()):
            held[key].append(place)
        yield from (places for places in held.values() if len(places) > 1)


def joined_pairs(keys_NR: Hashes) -> set[tuple[int, int]]:
    """Pairs of documents that share a band, the smaller number first."""
    return {
        (places[one], places[other])
        for places in buckets(keys_NR)
        for one in range(len(places))
        for other in range(one + 1, len(places))
    }


def simhash(features: Hashes, weights: NDArray[np.number], bits: int, seed: int) -> NDArray[np.bool_]:
    """(bits,) on which side of each of so many random planes a vector of weighted features lies.

    The planes are made of the bits of the features' hashes, +1 or -1, as crawlers do it; so agreement is 1 - angle / pi
    only as far as many features share the weight.

    Source: Charikar 2002, Similarity estimation techniques from rounding algorithms, section 3; Manku et al. 2007,
    Detecting near-duplicates for web crawling, section 2.
    """
    sides = []
    for block in range(bits // 64):
        hashes = mixed(mixed(features) + np.uint64(seed * 1_000_003 + block + 1))
        signs = (hashes[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
        sides.append(weights @ (2.0 * signs - 1.0) > 0)
    return np.concatenate(sides)


def jaccard(one: Hashes, other: Hashes) -> float:
    """Shared items over all items of two sets of distinct items."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def largest_misfit(elements: int) -> float:
    """How far the share of orders under which two sets have the same first element lies from their likeness, at most.

    Over all pairs of non-empty subsets of so many elements and all orders of these.
    """
    orders = np.array(list(permutations(range(elements))))  # (orders, elements): the rank of each element
    subsets = [np.flatnonzero([mask >> place & 1 for place in range(elements)]) for mask in range(1, 2**elements)]
    firsts = [members[orders[:, members].argmin(axis=1)] for members in subsets]
    return max(
        abs(float((first == second).mean()) - len(np.intersect1d(one, other)) / len(np.union1d(one, other)))
        for one, first in zip(subsets, firsts, strict=True)
        for other, second in zip(subsets, firsts, strict=True)
    )
