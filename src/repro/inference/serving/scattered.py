"""Decoding through scattered blocks against whole passes: what a block table must not change.

B sequences, T time, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

import random
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.inference.serving.configurations import Exactness
from repro.inference.serving.paged_cache import PagedCache, attend_by_blocks, gather
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.models.transformer import Transformer


def scattered_tables(pool: BlockPool, count: int, seed: int) -> list[BlockTable]:
    """Empty tables on a pool whose free blocks come in random order, as after long use."""
    blocks = [pool.take() for _ in range(pool.free)]
    random.Random(seed).shuffle(blocks)
    for number in blocks:
        pool.drop(number)
    return [BlockTable(pool) for _ in range(count)]


def random_texts(config: Exactness, seed: int) -> list[list[int]]:
    """Random tokens of sequences of different lengths, whose first `shared` are the same."""
    shape, shared, generator = config.model, config.shared, random.Random(seed)
    lengths = [generator.randint(max(shared + 1, shape.context // 2), shape.context) for _ in range(config.sequences)]
    common = [generator.randrange(shape.vocabulary) for _ in range(shared)]
    return [common + [generator.randrange(shape.vocabulary) for _ in range(length - shared)] for length in lengths]


def forked_tables(
    model: Transformer, cache: PagedCache, tables: list[BlockTable], common: list[int]
) -> list[BlockTable]:
    """Tables of sequences that begin alike: the first reads what they have in common, the others are forks of it."""
    if not common:
        return tables
    cache.append(tables[0], len(common))
    cache.select(tables[:1], len(common))
    model(torch.tensor([common]), cache)
    return [tables[0]] + [tables[0].fork() for _ in tables[1:]]


def decode_side_by_side(
    model: Transformer, cache: PagedCache, tables: list[BlockTable], texts: list[list[int]]
) -> tuple[list[Tensor], int]:
    """Logits of each sequence, a token per pass for all that go on; and how many blocks were copied."""
    logits: list[list[Tensor]] = [[] for _ in texts]
    copied = 0
    while rows := [row for row, text in enumerate(texts) if tables[row].length < len(text)]:
        before = [list(tables[row].blocks) for row in rows]
        for row in rows:
            cache.append(tables[row])
        copied += sum(tables[row].blocks[: len(old)] != old for row, old in zip(rows, before, strict=True))
        cache.select([tables[row] for row in rows], 1)
        tokens_BT = torch.tensor([[texts[row][tables[row].length - 1]] for row in rows])
        for row, logits_TV in zip(rows, model(tokens_BT, cache), strict=True):
            logits[row].append(logits_TV[-1])
    return [torch.stack(each) for each in logits], copied


def share_apart(tables: list[BlockTable]) -> float:
    """The share of neighbouring blocks of the sequences that do not lie side by side in the pool."""
    pairs = [pair for table in tables for pair in pairwise(table.blocks)]
    return sum(after != before + 1 for before, after in pairs) / len(pairs)


def attention_difference(cache: PagedCache, tables: list[BlockTable], seed: int) -> float:
    """The largest relative difference of a sum block by block from attention over one run, in the first layer."""
    heads, width = cache.keys.shape[3:]
    query_BHD = torch.randn(
        len(tables), heads, width, dtype=cache.keys.dtype, generator=torch.Generator().manual_seed(seed)
    )
    paged = attend_by_blocks(query_BHD, cache.keys[0], cache.values[0], tables)
    whole = []
    for row, table in enumerate(tables):
        run = torch.tensor([table.blocks])
        keys, values = (gather(stored[0], run)[:, :, : table.length] for stored in (cache.keys, cache.values))
        whole.append(F.scaled_dot_product_attention(query_BHD[row, None, :, None], keys, values)[0, :, 0])
    expected = torch.stack(whole)
    return float((paged - expected).abs().max() / expected.abs().max())
