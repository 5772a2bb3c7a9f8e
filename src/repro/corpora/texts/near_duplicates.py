"""Near-duplicate documents, found exactly: every run of lines is compared with every kept document's.

A document's shingles are its runs of five neighbouring lines, blank lines and indentation aside. One document is a near
copy when at least half of its shingles stand in documents kept before it (Broder 1997, containment; Lee et al. 2022,
arXiv:2107.06499, remove such copies from training text by the MinHash estimate of a like measure).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

LINES = 5
SHARE = 0.5


def shingles(document: str) -> np.ndarray:
    """(shingles,) distinct uint64 hashes; a document of fewer than five lines is one shingle."""
    return hashed_runs([line for line in map(str.strip, document.splitlines()) if line], LINES)


def hashed_runs(pieces: Sequence[str], length: int) -> np.ndarray:
    """(runs,) distinct uint64 hashes of each run of so many neighbouring pieces; fewer pieces are one run."""
    sums = [zlib.crc32(piece.encode(errors="surrogatepass")) for piece in pieces]
    padded = np.array(sums + [0] * (length - len(sums)), dtype=np.uint64)
    # odd multipliers, one per piece of the run: a 64-bit polynomial over 32-bit sums of pieces
    multipliers = np.array([pow(0x9E3779B97F4A7C15, n, 2**64) | 1 for n in range(1, length + 1)], dtype=np.uint64)
    hashes = sum(padded[place : len(padded) - length + 1 + place] * multipliers[place] for place in range(length))
    return np.unique(np.asarray(hashes, dtype=np.uint64))


def near_copies(documents: Iterable[str]) -> Iterator[bool]:
    """For each document in turn, whether it is a near copy of what was kept before it."""
    earlier: set[int] = set()
    for document in documents:
        own = set(shingles(document).tolist())
        copy = len(own & earlier) >= SHARE * len(own)
        if not copy:
            earlier |= own
        yield copy
