"""A paged cache's bookkeeping: blocks handed out by number, tables that map a sequence to them, and sharing by count.

No token is stored here: a block is a number, a slot is block number x block size + place in the block.

Source: Kwon et al. 2023 (arXiv:2309.06180), section 4.
"""

from __future__ import annotations

from typing import Self


class NoFreeBlock(Exception):
    """Every block is owned; nothing was changed."""


class BlockPool:
    """Blocks of `block` slots each, and how many tables own each of them.

    Fields: `owners` tables that hold the block of that number; 0 where it is free.
    """

    def __init__(self, blocks: int, block: int) -> None:
        if blocks < 1 or block < 1:
            raise ValueError(f"{blocks} blocks of {block} slots; expected at least 1 of each")
        self.block = block
        self.owners = [0] * blocks
        self._free = list(range(blocks))[::-1]

    @property
    def free(self) -> int:
        """Blocks that nobody owns."""
        return len(self._free)

    @property
    def held(self) -> int:
        """Blocks that somebody owns, each counted once."""
        return len(self.owners) - self.free

    def take(self) -> int:
        """A free block, now owned once; the one that was given back last comes first.

        Raises:
            NoFreeBlock: there is none.
        """
        if not self._free:
            raise NoFreeBlock(f"all {len(self.owners)} blocks are owned")
        number = self._free.pop()
        self.owners[number] = 1
        return number

    def share(self, number: int) -> None:
        """One more owner of a block that is owned.

        Raises:
            ValueError: it is free, and may be handed to another at any time.
        """
        if not self.owners[number]:
            raise ValueError(f"block {number} is free; only an owned block can be shared")
        self.owners[number] += 1

    def drop(self, number: int) -> None:
        """One owner less; the last one frees the block.

        Raises:
            ValueError: it is free already.
        """
        if not self.owners[number]:
            raise ValueError(f"block {number} is given back twice")
        self.owners[number] -= 1
        if not self.owners[number]:
            self._free.append(number)


class BlockTable:
    """The blocks of one sequence, in its order.

    Fields: `blocks` their numbers; `length` tokens of the sequence, which fill all slots but some of the last block.
    """

    def __init__(self, pool: BlockPool) -> None:
        self.pool = pool
        self.blocks: list[int] = []
        self.length = 0

    @property
    def slack(self) -> int:
        """Slots of the last block that no token fills."""
        return len(self.blocks) * self.pool.block - self.length

    def needs(self, tokens: int) -> int:
        """Free blocks that `append` would take."""
        copied = tokens > 0 and self._tail_is_shared()
        return max(0, -((self.slack - tokens) // self.pool.block)) + copied

    def append(self, tokens: int = 1) -> tuple[int, int] | None:
        """Make room for more tokens; returns the blocks (from, to) whose contents must be copied first, if any.

        A last block that others own too is not written to: this table gets a copy of its own.

        Raises:
            NoFreeBlock: too few blocks are free; nothing was changed.
        """
        if self.needs(tokens) > self.pool.free:
            raise NoFreeBlock(f"{tokens} tokens need {self.needs(tokens)} blocks, {self.pool.free} are free")
        copy = None
        if tokens and self._tail_is_shared():
            copy = self.blocks[-1], self.pool.take()
            self.pool.drop(copy[0])
            self.blocks[-1] = copy[1]
        while self.slack < tokens:
            self.blocks.append(self.pool.take())
        self.length += tokens
        return copy

    def fork(self, length: int | None = None) -> Self:
        """A second sequence with the same past, which shares all blocks until one of the two goes on writing.

        Args:
            length: tokens of that past from its beginning; all of them by default.

        Raises:
            ValueError: there are not so many.
        """
        length = self.length if length is None else length
        if not 0 <= length <= self.length:
            raise ValueError(f"a fork after {length} tokens of a sequence of {self.length}; give at most as many")
        other = type(self)(self.pool)
        other.blocks, other.length = self.blocks[: -(-length // self.pool.block)], length
        for number in other.blocks:
            self.pool.share(number)
        return other

    def release(self) -> None:
        """Give all blocks back; those that others own stay theirs."""
        for number in reversed(self.blocks):
            self.pool.drop(number)
        self.blocks, self.length = [], 0

    def slot(self, position: int) -> int:
        """Where in the pool the token of a position lies."""
        if not 0 <= position < self.length:
            raise IndexError(f"position {position} of a sequence of {self.length} tokens")
        return self.blocks[position // self.pool.block] * self.pool.block + position % self.pool.block

    def _tail_is_shared(self) -> bool:
        return self.slack > 0 and self.pool.owners[self.blocks[-1]] > 1
