"""Two ways to place a contiguous run of slots in one pool, and the holes that they leave."""

from __future__ import annotations

import bisect


class Buddies:
    """Runs whose sizes are powers of two; a larger one is halved until it fits, and free halves join again.

    Source: Knowlton 1965 (doi:10.1145/365628.365655). Kwon et al. 2023 (arXiv:2309.06180), section 6.1, assume it of
    Orca.
    """

    def __init__(self, slots: int) -> None:
        self._free: dict[int, list[int]] = {}
        start = 0
        for order in reversed(range(slots.bit_length())):  # a pool of any size is cut into powers of two
            self._free[order] = [start] if slots >> order & 1 else []
            start += (slots >> order & 1) << order

    @staticmethod
    def size(slots: int) -> int:
        """Slots of the run that would be given."""
        return 1 << (slots - 1).bit_length()

    def place(self, slots: int) -> int | None:
        """Where a run for so many slots starts: the lowest place, halving as small a run as will do; None: nowhere."""
        wanted = (slots - 1).bit_length()
        order = next((o for o in range(wanted, len(self._free)) if self._free[o]), None)
        if order is None:
            return None
        start = self._free[order].pop(0)
        while order > wanted:
            order -= 1
            bisect.insort(self._free[order], start + (1 << order))
        return start

    def release(self, start: int, slots: int) -> None:
        """Give back the run that `place` gave for so many slots."""
        order = (slots - 1).bit_length()
        while (buddy := start ^ 1 << order) in self._free[order]:
            self._free[order].remove(buddy)
            start, order = min(start, buddy), order + 1
        bisect.insort(self._free[order], start)


class FirstFit:
    """Runs of exactly the size asked for, each in the first hole that is large enough."""

    def __init__(self, slots: int) -> None:
        self._holes = [(0, slots)]

    @staticmethod
    def size(slots: int) -> int:
        """Slots of the run that would be given."""
        return slots

    def place(self, slots: int) -> int | None:
        """Where a run for so many slots starts; None: no hole is large enough."""
        for index, (start, end) in enumerate(self._holes):
            if end - start >= slots:
                self._holes[index : index + 1] = [(start + slots, end)] if end - start > slots else []
                return start
        return None

    def release(self, start: int, slots: int) -> None:
        """Give back the run that `place` gave for so many slots; neighbouring holes join."""
        bisect.insort(self._holes, (start, start + slots))
        joined: list[tuple[int, int]] = []
        for hole in self._holes:
            if joined and joined[-1][1] == hole[0]:
                joined[-1] = joined[-1][0], hole[1]
            else:
                joined.append(hole)
        self._holes = joined
