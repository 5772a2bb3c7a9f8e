"""Trials of sketches: on sets and vectors whose likeness is known, and on documents with planted copies.

Legend: N documents, K hash functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.corpora.texts.packages import documents_of
from repro.curation.copies.configurations import APART, BINS, NEAR, Files, KnownPairs, PlantedCopies, Sketch
from repro.curation.copies.groups import alike_pairs, found_whole
from repro.curation.copies.sketches import (
    Hashes,
    MinHash,
    band_keys,
    jaccard,
    joined_pairs,
    simhash,
    word_shingles,
)
from repro.floor.arrays import Array

FEWEST = 100  # shingles of a document that is copied
ALARMS = 1e-3  # the share of unrelated pairs that a threshold lets pass
DRAWN = 5_000  # pairs of documents from which thresholds are read
HALF = 0.5  # likeness below which a pair that bands join is a false alarm
DIFFERING = 3  # bits of 64 in which a pair may differ; Manku et al. 2007, section 3


def standardised(agreement: Array, law: Array, draws: int) -> Array:
    """By how many standard errors each share of so many draws lies from its law."""
    errors: Array = (agreement - law) / np.sqrt(law * (1 - law) / draws)
    return errors


def set_pairs(config: KnownPairs, level: float, rng: np.random.Generator) -> list[tuple[Hashes, Hashes, float]]:
    """Pairs of sets of random items whose likeness is the nearest to a level that their union allows."""
    shared, pairs = round(level * config.items), []
    for _ in range(config.pairs):
        items = rng.integers(0, 2**64, config.items, dtype=np.uint64)
        half = shared + (config.items - shared) // 2
        pairs.append((items[:half], np.concatenate([items[:shared], items[half:]]), shared / config.items))
    return pairs


def count_pairs(config: KnownPairs, rng: np.random.Generator) -> list[tuple[Hashes, Array, Array, float]]:
    """Features, the counts of each in two documents, and the angle between them: Zipf's law, part redrawn."""
    law, pairs = 1 / np.arange(1, config.items + 1), []
    for _ in range(config.pairs):
        features = rng.integers(0, 2**64, config.items, dtype=np.uint64)
        one = rng.multinomial(2 * config.items, law / law.sum())
        kept = rng.random(config.items) < rng.random()
        other = np.where(kept, one, rng.multinomial(2 * config.items, law / law.sum()))
        cosine = float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))
        pairs.append((features, one.astype(float), other.astype(float), math.acos(min(1.0, cosine))))
    return pairs


def known_pairs(config: KnownPairs, seed: int) -> dict[str, float | list[float]]:
    """The numbers of `sketch_known_pairs`."""
    rng, sketch = np.random.default_rng([seed, 52]), config.sketch
    minhash, errors, shares = MinHash(sketch.hashes, seed), [], []
    for level in config.levels:
        ones, others, likeness = zip(*set_pairs(config, level, rng), strict=True)
        one_NK, other_NK = (np.array([minhash.signature(each) for each in side]) for side in (ones, others))
        errors.append(standardised((one_NK == other_NK).mean(axis=1), np.array(likeness), sketch.hashes))
        shares.append(float((band_keys(one_NK, sketch) == band_keys(other_NK, sketch)).any(axis=1).mean()))
    agreements, laws = [], []
    for features, one, other, angle in count_pairs(config, rng):
        sides = [simhash(features, counts, sketch.bits, seed) for counts in (one, other)]
        agreements.append(float((sides[0] == sides[1]).mean()))
        laws.append(1 - angle / math.pi)
    turned = np.array([0 < law < 1 for law in laws])
    angular = standardised(np.array(agreements)[turned], np.array(laws)[turned], sketch.bits)
    return {
        "spread": float(np.sqrt(np.mean(np.concatenate(errors) ** 2))),
        "joined": shares,
        "angular_spread": float(np.sqrt(np.mean(angular**2))),
        "angular_bias": float(np.mean(np.array(agreements) - np.array(laws))),
    }


@dataclass(frozen=True)
class Sketched:
    """Documents as `shingles`, one array each, with `signatures_NK` of MinHash and `sides_NB` of SimHash."""

    shingles: list[Hashes]
    signatures_NK: Hashes
    sides_NB: NDArray[np.bool_]


def sketched(texts: list[str], sketch: Sketch, seed: int) -> Sketched:
    """The sketches of documents: of their shingles, each counted once, as both methods take them."""
    shingles, minhash = [word_shingles(text) for text in texts], MinHash(sketch.hashes, seed)
    signatures = np.array([minhash.signature(each) for each in shingles])
    sides = np.array([simhash(each, np.ones(len(each)), sketch.bits, seed) for each in shingles])
    return Sketched(shingles, signatures, sides)


def edited(text: str, chance: float, words: list[str], rng: np.random.Generator) -> str:
    """The text with each word replaced by another document's with a chance."""
    own = text.split(" ")
    for place in np.flatnonzero(rng.random(len(own)) < chance).tolist():
        own[place] = words[int(rng.integers(len(words)))]
    return " ".join(own)


def planted_copies(config: PlantedCopies, seed: int) -> dict[str, int | float | list[float] | list[int]]:
    """The numbers of `find_copies`."""
    rng, sketch, texts = np.random.default_rng([seed, 53]), config.files.sketch, texts_of(config.files)
    originals = sketched(texts, sketch, seed)
    long = [place for place, each in enumerate(originals.shingles) if len(each) >= FEWEST]
    chosen = rng.permutation(long)[: config.copies]
    words = texts[int(rng.integers(len(texts)))].split()
    chances = rng.random(len(chosen)) * config.edits
    pairs = zip(chosen.tolist(), chances.tolist(), strict=True)
    copies = sketched([edited(texts[place], chance, words, rng) for place, chance in pairs], sketch, seed)
    likeness = np.array(
        [jaccard(originals.shingles[place], copies.shingles[copy]) for copy, place in enumerate(chosen.tolist())]
    )
    agreed = (originals.signatures_NK[chosen] == copies.signatures_NK).mean(axis=1)
    differing = (originals.sides_NB[chosen] != copies.sides_NB).sum(axis=1)
    banded = _banded(originals.signatures_NK[chosen], copies.signatures_NK, sketch)
    alike, apart = thresholds(originals, chosen, rng)
    ways = {
        "banded": banded,
        "minhash": agreed > alike,
        "simhash": differing < apart,
        "published": differing <= DIFFERING,
    }
    near = likeness >= NEAR
    counted = {name: int(hits[near].sum()) for name, hits in ways.items()}
    return {
        "near": int(near.sum()),
        **counted,
        **_by_likeness(likeness, ways),
        "threshold": alike,
        "bits": int(apart),
    }


def _banded(one_NK: Hashes, other_NK: Hashes, sketch: Sketch) -> NDArray[np.bool_]:
    """(N,) whether the pairs of two lists share a band."""
    shared: NDArray[np.bool_] = (band_keys(one_NK, sketch) == band_keys(other_NK, sketch)).any(axis=1)
    return shared


def thresholds(originals: Sketched, chosen: NDArray[np.integer], rng: np.random.Generator) -> tuple[float, float]:
    """The agreement of MinHash that one unrelated pair in a thousand exceeds, and bits that as few differ by less."""
    pairs = [(one, other) for one, other in chosen[rng.integers(len(chosen), size=(DRAWN, 2))].tolist() if one != other]
    shingles = originals.shingles
    ones, others = np.array([pair for pair in pairs if jaccard(shingles[pair[0]], shingles[pair[1]]) <= APART]).T
    agreed = (originals.signatures_NK[ones] == originals.signatures_NK[others]).mean(axis=1)
    differing = (originals.sides_NB[ones] != originals.sides_NB[others]).sum(axis=1)
    return (
        float(np.quantile(agreed, 1 - ALARMS, method="higher")),
        float(np.quantile(differing, ALARMS, method="lower")),
    )


def _by_likeness(likeness: Array, ways: dict[str, NDArray[np.bool_]]) -> dict[str, list[int]]:
    """Planted copies by their likeness, and how many of them each way finds."""
    places = np.clip(np.digitize(likeness, BINS) - 1, -1, len(BINS) - 2)
    inside = places >= 0
    counts = {"copies": np.ones(len(likeness), dtype=bool), **ways}
    return {
        f"{name}_by_likeness": np.bincount(places[inside & hits], minlength=len(BINS) - 1).tolist()
        for name, hits in counts.items()
    }


def texts_of(files: Files) -> list[str]:
    """The texts of files that are not empty."""
    found = documents_of(files.manifest, files.sha256, files.packages)
    return [text for each in found.values() for text in each if text.strip()]


def real_copies(files: Files, seed: int) -> dict[str, int]:
    """The numbers of `find_real_copies`."""
    sketches = sketched(texts_of(files), files.sketch, seed)
    shingles, count = sketches.shingles, len(sketches.shingles)
    near, joined = alike_pairs(shingles, NEAR), joined_pairs(band_keys(sketches.signatures_NK, files.sketch))
    groups, whole = found_whole(near, joined, count)
    return {
        "files": count,
        "files_near": len({place for pair in near for place in pair}),
        "groups": groups,
        "groups_whole": whole,
        "pairs_joined": len(joined),
        "pairs_apart": sum(jaccard(shingles[one], shingles[other]) < HALF for one, other in joined),
    }
