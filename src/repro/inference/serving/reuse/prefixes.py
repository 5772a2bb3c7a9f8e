"""What is kept of earlier calls, so that their tokens need not be read again: a tree of beginnings, or whole calls.

Both hold block tables over one pool, evict what was used longest ago, and share blocks as forks of a table do.

Source: Zheng et al. 2023 (arXiv:2312.07104), section 3.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from repro.floor.arrays import Tokens
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.inference.serving.reuse.calls import Call


class Store(Protocol):
    """Beginnings of earlier calls with the blocks that hold them."""

    def longest(self, tokens: Tokens) -> BlockTable:
        """A fork that holds the longest known beginning, the last token left out: what follows it is asked for."""

    def put(self, tokens: Tokens, table: BlockTable) -> None:
        """Keep the tokens, whose blocks the table owns from now on for the store."""

    def evict(self) -> bool:
        """Give back what was used longest ago; False if nothing is kept."""


def served(calls: list[Call], store: Store, pool: BlockPool) -> dict[str, float]:
    """Each call in turn: `found` of all prompt tokens, as a share, and calls that found no room, `unkept`."""
    found = total = unkept = 0
    for call in calls:
        table = store.longest(call.prompt)
        found, total = found + table.length, total + len(call.prompt)
        tokens = np.concatenate([call.prompt, call.answer])
        missing = len(tokens) - table.length
        while table.needs(missing) > pool.free and store.evict():
            pass
        if table.needs(missing) > pool.free:
            table.release()
            unkept += 1
            continue
        table.append(missing)
        store.put(tokens, table)
    return {"found": found / total, "unkept": unkept}


@dataclass(eq=False)
class _Node:
    """The end of a beginning: `tokens` since its parent's, the `table` of them all, the clock when last `used`."""

    tokens: Tokens
    table: BlockTable
    parent: _Node | None = None
    used: int = 0
    children: dict[int, _Node] = field(default_factory=dict)


class PrefixTree:
    """A radix tree over the tokens of calls: a node where two part, and at the end of each."""

    def __init__(self, pool: BlockPool) -> None:
        self._root = _Node(np.empty(0, dtype=np.int64), BlockTable(pool))
        self._clock = 0

    def longest(self, tokens: Tokens) -> BlockTable:
        node, known = self._walk(tokens)
        return node.table.fork(min(known, len(tokens) - 1))

    def put(self, tokens: Tokens, table: BlockTable) -> None:
        node, known = self._walk(tokens)
        if known < node.table.length:
            node = self._split(node, known)
        if known == len(tokens):
            table.release()
            return
        child = _Node(tokens[known:], table, node, self._clock)
        node.children[int(tokens[known])] = child

    def evict(self) -> bool:
        leaves = [node for node in self._nodes() if not node.children and node.parent]
        if not leaves:
            return False
        oldest = min(leaves, key=lambda node: node.used)
        oldest.table.release()
        assert oldest.parent is not None
        del oldest.parent.children[int(oldest.tokens[0])]
        return True

    def _walk(self, tokens: Tokens) -> tuple[_Node, int]:
        """The last node that is entered, and how many of the tokens are known by then."""
        self._clock += 1
        node, known = self._root, 0
        while known < len(tokens) and (child := node.children.get(int(tokens[known]))):
            alike = _alike(child.tokens, tokens[known:])
            child.used = self._clock
            node, known = child, known + alike
            if alike < len(child.tokens):
                break
        return node, known

    def _split(self, node: _Node, known: int) -> _Node:
        """A new node above, where so many tokens are known."""
        assert node.parent is not None
        kept = known - node.parent.table.length
        upper = _Node(node.tokens[:kept], node.table.fork(known), node.parent, self._clock)
        node.parent.children[int(node.tokens[0])] = upper
        node.tokens, node.parent = node.tokens[kept:], upper
        upper.children[int(node.tokens[0])] = node
        return upper

    def _nodes(self) -> Iterator[_Node]:
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            waiting.extend(node.children.values())
            yield node


class WholeCalls:
    """Earlier calls with their answers, each continued only where a prompt begins with all of it."""

    def __init__(self, pool: BlockPool) -> None:
        self._pool = pool
        self._tables: OrderedDict[bytes, BlockTable] = OrderedDict()

    def longest(self, tokens: Tokens) -> BlockTable:
        lengths = sorted({table.length for table in self._tables.values() if table.length <= len(tokens)}, reverse=True)
        for length in lengths:
            if (key := tokens[:length].tobytes()) in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key].fork(min(length, len(tokens) - 1))
        return BlockTable(self._pool)

    def put(self, tokens: Tokens, table: BlockTable) -> None:
        if (old := self._tables.pop(tokens.tobytes(), None)) is not None:
            old.release()
        self._tables[tokens.tobytes()] = table

    def evict(self) -> bool:
        if not self._tables:
            return False
        self._tables.popitem(last=False)[1].release()
        return True


def _alike(one: Tokens, other: Tokens) -> int:
    """How many tokens the two have in common from their beginning."""
    length = min(len(one), len(other))
    differ = np.flatnonzero(one[:length] != other[:length])
    return int(differ[0]) if len(differ) else length
