"""Decoding through scattered blocks against whole passes: what a block table must not change.

B sequences, T time, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.inference.serving.lanes import random_decoder
from repro.inference.serving.paged_cache import PagedCache, attend_by_blocks, gather
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer


def scattered_tables(pool: BlockPool, count: int, seed: int) -> list[BlockTable]:
    """Empty tables on a pool whose free blocks come in random order, as after long use."""
    taken = [pool.take() for _ in range(pool.free)]
    random.Random(seed).shuffle(taken)
    for number in taken:
        pool.drop(number)
    return [BlockTable(pool) for _ in range(count)]


def largest_difference(shape: Decoder, *, sequences: int, block: int, shared: int, seed: int) -> dict[str, float]:
    """Logits of sequences decoded side by side through scattered blocks against whole passes, in float64.

    Args:
        shared: tokens of a common beginning that the sequences hold once, by forking one table; 0: none.

    Returns `logits` and `attention`, the largest differences over the largest value, of gathered blocks and of a sum
    block by block; `scattered`, the share of neighbouring blocks that do not lie side by side; `copied` blocks.
    """
    model = random_decoder(shape, seed, dtype=torch.float64, device="cpu")
    drawn = random.Random(seed)
    lengths = [drawn.randint(max(shared + 1, shape.context // 2), shape.context) for _ in range(sequences)]
    common = [drawn.randrange(shape.vocabulary) for _ in range(shared)]
    texts = [common + [drawn.randrange(shape.vocabulary) for _ in range(n - shared)] for n in lengths]
    pool = BlockPool(sequences * (shape.context // block + 2), block)
    cache = PagedCache(shape, pool, dtype=torch.float64)
    with torch.inference_mode():
        tables = _begin(model, cache, scattered_tables(pool, sequences, seed), common)
        logits, copied = _decode(model, cache, tables, texts)
        whole = [model(torch.tensor([text]))[0, shared:] for text in texts]
        apart = max(float((a - b).abs().max()) for a, b in zip(whole, logits, strict=True))
        scale = max(float(a.abs().max()) for a in whole)
        attention = _attention_difference(cache, tables, seed)
    pairs = [(a, b) for table in tables for a, b in zip(table.blocks, table.blocks[1:], strict=False)]
    return {
        "logits": apart / scale,
        "attention": attention,
        "copied": float(copied),
        "scattered": sum(b != a + 1 for a, b in pairs) / len(pairs),
    }


def _begin(model: Transformer, cache: PagedCache, tables: list[BlockTable], common: list[int]) -> list[BlockTable]:
    if not common:
        return tables
    cache.append(tables[0], len(common))
    cache.select(tables[:1], len(common))
    model(torch.tensor([common]), cache)
    return [tables[0]] + [tables[0].fork() for _ in tables[1:]]


def _decode(
    model: Transformer, cache: PagedCache, tables: list[BlockTable], texts: list[list[int]]
) -> tuple[list[Tensor], int]:
    """Token by token, all sequences that go on in one pass; the logits of each, and the blocks that were copied."""
    found: list[list[Tensor]] = [[] for _ in texts]
    copied = 0
    while rows := [row for row, text in enumerate(texts) if tables[row].length < len(text)]:
        before = [list(tables[row].blocks) for row in rows]
        for row in rows:
            cache.append(tables[row])
        copied += sum(tables[row].blocks[: len(old)] != old for row, old in zip(rows, before, strict=True))
        cache.select([tables[row] for row in rows], 1)
        tokens_BT = torch.tensor([[texts[row][tables[row].length - 1]] for row in rows])
        for row, logits_TV in zip(rows, model(tokens_BT, cache), strict=True):
            found[row].append(logits_TV[-1])
    return [torch.stack(one) for one in found], copied


def _attention_difference(cache: PagedCache, tables: list[BlockTable], seed: int) -> float:
    """A sum block by block against attention over the same tokens in one run, on the first layer's cache."""
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
