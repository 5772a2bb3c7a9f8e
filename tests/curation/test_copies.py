"""Sketches estimate what they say, and the statistics that judge them catch sketches that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from repro.curation.copies.configurations import KnownPairs, Sketch
from repro.curation.copies.estimates import curve_misfit
from repro.curation.copies.groups import alike_pairs, found_whole, grouped
from repro.curation.copies.sketches import (
    MinHash,
    band_keys,
    jaccard,
    joined_pairs,
    largest_misfit,
    simhash,
    word_shingles,
)
from repro.curation.copies.trials import set_pairs, standardised
from repro.statistics import student_t


def spread(hashes: int, *, twice: bool) -> list[float]:
    """The root mean square error of five trials over its standard error, each hash function used once, or twice."""
    spreads = []
    for seed in range(5):
        minhash = MinHash(hashes // 2 if twice else hashes, seed)
        pairs = set_pairs(KnownPairs(pairs=500, items=40), 0.5, np.random.default_rng(seed))
        agreed = [(minhash.signature(one) == minhash.signature(other)).mean() for one, other, _ in pairs]
        spreads.append(float(np.sqrt(np.mean(standardised(np.array(agreed), np.full(500, 0.5), hashes) ** 2))))
    return spreads


def test_minhash_errs_as_so_many_draws_and_a_hash_used_twice_is_caught():
    honest, doubled = (student_t(spread(100, twice=twice)) for twice in (False, True))

    assert 0.85 < honest.low < honest.high < 1.15
    assert doubled.low > 1.15


def test_the_share_of_orders_is_the_likeness():
    """Of 24 orders of four elements, exactly; a rule that forgets the union would be off by a lot."""
    assert largest_misfit(4) < 1e-12


def test_a_false_law_of_bands_is_caught():
    """Shares drawn by the law pass; those that a single band would give do not."""
    known, rng = KnownPairs(pairs=400), np.random.default_rng(0)
    laws = {
        "bands": [known.sketch.joined(level) for level in known.levels],
        "one band": [level**known.sketch.rows for level in known.levels],
    }
    drawn = {name: rng.binomial(400, law, size=(5, len(law))) / 400 for name, law in laws.items()}
    misfit = {name: curve_misfit(pd.DataFrame({"joined": list(shares)}), known) for name, shares in drawn.items()}

    assert misfit["bands"].high < 0.1
    assert misfit["one band"].low > 0.2


def test_pairs_that_share_a_band_are_joined():
    alike, other = "one two three four five six seven eight nine ten", "eleven " * 3 + "twelve thirteen fourteen"
    minhash = MinHash(100, 0)
    keys = band_keys(np.array([minhash.signature(word_shingles(text)) for text in (alike, other, alike)]), Sketch())

    assert {(0, 2)} == joined_pairs(keys)


def test_simhash_agrees_by_the_angle():
    """Alike vectors share all bits, opposite ones none, orthogonal ones half."""
    features = np.arange(400, dtype=np.uint64)
    ones, halves = np.ones(400), np.repeat([1.0, -1.0], 200)
    same, opposite, across = (
        (simhash(features, ones, 6400, 0) == simhash(features, other, 6400, 0)).mean()
        for other in (ones, -ones, halves)
    )

    assert same == 1
    assert opposite < 0.05  # a sum of nothing counts for neither side
    assert abs(across - 0.5) < 0.05


def test_all_pairs_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    sets = [np.unique(rng.integers(0, 12, 9).astype(np.uint64)) for _ in range(12)]
    expected = {(i, j) for i in range(12) for j in range(i + 1, 12) if jaccard(sets[i], sets[j]) >= 0.5}

    assert expected
    assert expected == alike_pairs(sets, 0.5)


def test_a_group_that_bands_split_is_not_whole():
    near = {(0, 1), (1, 2), (4, 5)}

    assert [[0, 1, 2], [4, 5]] == grouped(near, 6)
    assert (2, 2) == found_whole(near, near | {(0, 5)}, 6)
    assert (2, 1) == found_whole(near, {(0, 1), (4, 5)}, 6)
