"""What trials of near copies are of: sketches of sets whose likeness is known, and documents with planted copies."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = (0.2, 0.35, 0.5, 0.65, 0.8)
NEAR = 0.8  # a pair this alike is a near copy; Lee et al. 2021 (arXiv:2107.06499) take the same bound
APART = 0.2  # a pair at most this alike is unrelated
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # edges of the likeness by which planted copies are grouped


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """How sets are sketched: `bands` of `rows` MinHash values, so their product of hash functions; `bits` of SimHash.

    Raises:
        ValueError: no bands, rows or bits.
    """

    bands: int = 20
    rows: int = 5
    bits: int = 64

    def __post_init__(self) -> None:
        if min(self.bands, self.rows, self.bits) < 1 or self.bits % 64:
            raise ValueError(f"{self}; expected a band, a row and a multiple of 64 bits or more")

    @property
    def hashes(self) -> int:
        """MinHash values of a set."""
        return self.bands * self.rows

    def joined(self, likeness: float) -> float:
        """The chance that a pair of this Jaccard likeness has an equal band: 1 - (1 - s^r)^b.

        Source: Leskovec, Rajaraman & Ullman, Mining of massive datasets, section 3.4.2.
        """
        return float(1 - (1 - likeness**self.rows) ** self.bands)


@dataclass(frozen=True, kw_only=True)
class KnownPairs:
    """Pairs of sets of a known likeness, and of word counts at a known angle.

    Fields: `pairs` at each of the `levels` of Jaccard likeness, `items` in the union of the two sets.
    """

    pairs: int
    levels: tuple[float, ...] = LEVELS
    items: int = 200
    sketch: Sketch = Sketch()


@dataclass(frozen=True, kw_only=True)
class Files:
    """Files of packages as they are installed, near copies among them.

    Fields: `manifest` and its text's `sha256`, which say which versions; `packages` whose files are read.
    """

    manifest: str
    sha256: str
    packages: tuple[str, ...]
    sketch: Sketch = Sketch()


@dataclass(frozen=True, kw_only=True)
class PlantedCopies:
    """Files of which some are copied and edited.

    Fields: `copies` made, each word of one replaced with a chance that is drawn between 0 and `edits` for each copy.
    """

    files: Files
    copies: int
    edits: float = 0.06


@dataclass(frozen=True, kw_only=True)
class Orders:
    """All orders of so many elements, under each of which every pair of sets of them is compared."""

    elements: int = 6
