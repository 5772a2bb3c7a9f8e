"""Near-duplicate documents, found exactly: every run of lines is compared with every kept document's.

A document's shingles are its runs of five neighbouring lines, blank lines and indentation aside. One document is a near
copy when at least half of its shingles stand in documents kept before it (Broder 1997, containment; Lee et al. 2022,
arXiv:2107.06499, remove such copies from training text by the MinHash estimate of a like measure).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import numpy as np

LINES = 5
SHARE = 0.5
# odd multipliers, one per line of the shingle: a 64-bit polynomial over 32-bit sums of lines
_MULTIPLIERS = np.array([pow(0x9E3779B97F4A7C15, n, 2**64) | 1 for n in range(1, LINES + 1)], dtype=np.uint64)


def shingles(document: str) -> np.ndarray:
    """(shingles,) distinct uint64 hashes; a document of fewer than five lines is one shingle."""
    sums = [zlib.crc32(line.encode()) for line in map(str.strip, document.splitlines()) if line]
    lines = np.array(sums + [0] * (LINES - len(sums)), dtype=np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(lines, LINES)
    return np.unique((windows * _MULTIPLIERS).sum(axis=1, dtype=np.uint64))


def near_copies(documents: Iterable[str]) -> Iterator[bool]:
    """For each document in turn, whether it is a near copy of what was kept before it."""
    earlier: set[int] = set()
    for document in documents:
        own = set(shingles(document).tolist())
        copy = len(own & earlier) >= SHARE * len(own)
        if not copy:
            earlier |= own
        yield copy
