"""Near copies as measurements: sketches of known pairs, of all orders, and of documents with planted copies."""

from __future__ import annotations

from repro.curation.copies.configurations import Files, KnownPairs, Orders, PlantedCopies
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def sketch_every_order(config: Orders, seed: int) -> Numbers:
    """Compare all pairs of sets under all orders of their elements; the seed changes nothing.

    `misfit` the greatest distance of the share of orders with the same first element from the Jaccard likeness.
    """
    from repro.curation.copies.sketches import largest_misfit

    return {"misfit": largest_misfit(config.elements)}


@measurement(version=1)
def sketch_known_pairs(config: KnownPairs, seed: int) -> Numbers:
    """Sketch pairs of random sets of a known likeness, and of word counts at a known angle.

    `spread` the root mean square error of MinHash over sqrt(J (1 - J) / k), `joined` the share of pairs with an equal
    band at each level; of SimHash `angular_spread` the same over its own standard error, and `angular_bias` the mean
    error of agreement.
    """
    from repro.curation.copies.trials import known_pairs

    return dict(known_pairs(config, seed))


@measurement(version=1)
def find_copies(config: PlantedCopies, seed: int) -> Numbers:
    """Edit copies of documents, sketch copies and originals, and see which pairs are found.

    Of the `near` copies (Jaccard likeness of five-word shingles at least .8): found as `banded` by a shared band, by
    `minhash` and `simhash` at the `threshold` and `bits` that one unrelated pair in a thousand passes, and as
    `published`, SimHash with at most 3 of 64 bits differing. Lists `..._by_likeness` count all copies so.
    """
    from repro.curation.copies.trials import planted_copies

    return dict(planted_copies(config, seed))


@measurement(version=1)
def find_real_copies(config: Files, seed: int) -> Numbers:
    """Compare all files of packages, and sketch them; the seed draws the hash functions.

    `files` that are not empty, `files_near` that have a near copy (Jaccard likeness at least .8), `groups` that these
    pairs make, `groups_whole` where only pairs that share a band are known; `pairs_joined` by bands, of them
    `pairs_apart` alike by less than a half.
    """
    from repro.curation.copies.trials import real_copies

    return dict(real_copies(config, seed))
