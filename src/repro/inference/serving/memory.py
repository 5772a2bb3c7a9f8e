"""What a scheduler asks of a cache's memory: room for a request, room for one more token, and where the waste lies.

Source: Kwon et al. 2023 (arXiv:2309.06180), section 3.1 and figure 2, for the kinds of waste.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from repro.inference.serving.configurations import PLACES, Paging, Reserving
from repro.inference.serving.contiguous import Buddies, FirstFit
from repro.inference.serving.paging import BlockPool, BlockTable

POOLS: dict[str, type[Buddies] | type[FirstFit]] = dict(zip(PLACES, (Buddies, FirstFit), strict=True))


@dataclass(eq=False)
class Lane:
    """A request at work.

    Fields: `number` its place in the trace; `reads` tokens of its next first pass; `cached` tokens held now; `left`
    tokens still to be written; `start`, `asked` its contiguous run; `table` its blocks.
    """

    number: int
    reads: int
    left: int
    cached: int = 0
    start: int = 0
    asked: int = 0
    table: BlockTable | None = field(default=None, repr=False)


@dataclass
class Usage:
    """Slots by what they are for; adding two adds each kind.

    Fields: `tokens` hold a token; `reserved` will hold one of the same request later; `internal` were given to a
    request and never will; `external` are given to nobody who could use them: rounding of a run, and holes.
    """

    tokens: int = 0
    reserved: int = 0
    internal: int = 0
    external: int = 0

    def __iadd__(self, other: Usage) -> Usage:
        for kind, slots in vars(other).items():
            setattr(self, kind, getattr(self, kind) + slots)
        return self

    @property
    def total(self) -> int:
        """Slots of all four kinds."""
        return self.tokens + self.reserved + self.internal + self.external


class Memory(Protocol):
    """A pool of slots as the scheduler sees it."""

    slots: int

    def admit(self, lane: Lane) -> bool:
        """Give a lane room for what it reads, if there is room for one more token as well; else False."""

    def grow(self, lane: Lane) -> bool:
        """Give a lane room for one more token; False if there is none now."""

    def release(self, lane: Lane) -> None:
        """Take all back."""

    def usage(self, lanes: Iterable[Lane], *, waiting: bool) -> Usage:
        """What the slots are for; free ones count, as external, only while a request waits that they cannot take."""


def memory_of(kind: Reserving | Paging, slots: int, *, longest: int) -> Memory:
    """An empty pool of so many slots."""
    return _Reserved(kind, slots, longest) if isinstance(kind, Reserving) else _Paged(kind, slots)


class _Reserved:
    def __init__(self, kind: Reserving, slots: int, longest: int) -> None:
        self.slots, self.longest, self.asks = slots, longest, kind.asks
        self.place = POOLS[kind.places](slots)
        self.given = 0

    def asked(self, lane: Lane) -> int:
        if self.asks == "longest":
            return self.longest
        exact = lane.left if self.asks == "exact" else 1 << (lane.left - 1).bit_length()
        return min(lane.reads + exact, self.longest)

    def admit(self, lane: Lane) -> bool:
        asked = self.asked(lane)
        start = self.place.place(asked)
        if start is None:
            return False
        lane.start, lane.asked = start, asked
        self.given += self.place.size(asked)
        return True

    def grow(self, lane: Lane) -> bool:
        return True

    def release(self, lane: Lane) -> None:
        self.place.release(lane.start, lane.asked)
        self.given -= self.place.size(lane.asked)

    def usage(self, lanes: Iterable[Lane], *, waiting: bool) -> Usage:
        usage, asked = Usage(), 0
        for lane in lanes:
            usage.tokens += lane.cached
            usage.reserved += lane.left
            asked += lane.asked
        usage.internal = asked - usage.tokens - usage.reserved
        usage.external = (self.slots if waiting else self.given) - asked
        return usage


class _Paged:
    def __init__(self, kind: Paging, slots: int) -> None:
        self.slots = slots
        self.pool = BlockPool(slots // kind.block, kind.block)
        self.kept_free = int(kind.watermark * len(self.pool.owners))

    def admit(self, lane: Lane) -> bool:
        table = BlockTable(self.pool)
        kept_free = self.kept_free if self.pool.held else 0  # an empty pool lets any request in that fits
        if table.needs(lane.reads + 1) > self.pool.free - kept_free:
            return False
        table.append(lane.reads)
        lane.table = table
        return True

    def grow(self, lane: Lane) -> bool:
        assert lane.table is not None
        if lane.table.needs(1) > self.pool.free:
            return False
        lane.table.append()
        return True

    def release(self, lane: Lane) -> None:
        assert lane.table is not None
        lane.table.release()

    def usage(self, lanes: Iterable[Lane], *, waiting: bool) -> Usage:
        usage = Usage()
        for lane in lanes:
            assert lane.table is not None
            usage.tokens += lane.cached
            slack, later = lane.table.slack, min(lane.table.slack, lane.left)
            usage.reserved += later
            usage.internal += slack - later
        owned = self.pool.held * self.pool.block
        usage.external = (self.slots if waiting else owned) - owned
        return usage
