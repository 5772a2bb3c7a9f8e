"""Decoding through block tables: the same numbers as without them, whoever shares, gives way or waits."""

from types import SimpleNamespace

import pytest
import torch

from repro.inference.serving.configurations import (
    BlockRead,
    Exactness,
    PagedGeneration,
    Paging,
    Reserving,
    Serving,
    Spread,
    Workload,
)
from repro.inference.serving.lanes import random_decoder, random_prompts, serve
from repro.inference.serving.measurements import block_reading, paged_logits, served_trace, transformers_pages
from repro.inference.serving.memory import memory_of
from repro.inference.serving.paged_cache import PagedCache
from repro.inference.serving.paged_generation import paged_texts
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.inference.serving.scattered import scattered_tables
from repro.inference.serving.traces import requests_of
from repro.models.cache import Cache
from repro.models.decoder import Decoder

SHAPE = Decoder(vocabulary=40, width=24, layers=2, heads=4, kv_heads=2, context=48)


@pytest.mark.parametrize("shared", [0, 13])
@pytest.mark.parametrize("block", [1, 5, 16])
def test_scattered_blocks_give_the_logits_of_whole_passes(block, shared):
    """In float64, gathered or summed block by block, with a beginning held once or without."""
    numbers = paged_logits(Exactness(model=SHAPE, sequences=3, block=block, shared=shared), 0)

    assert numbers["logits"] < 1e-12 and numbers["attention"] < 1e-12
    assert numbers["scattered"] > 0.5
    assert (2 if shared % block else 0) == numbers["copied"]


@pytest.mark.parametrize("fault", ["swapped", "uncopied"])
def test_a_wrong_table_is_found(fault, monkeypatch):
    """Planted: two blocks of a table change places; a shared block is written to without a copy."""
    select, append = PagedCache.select, BlockTable.append

    def swapped(self, tables, time):
        select(self, tables, time)
        self._tables_BN = self._tables_BN.flip(1)

    monkeypatch.setattr(PagedCache, "select", swapped if fault == "swapped" else select)
    monkeypatch.setattr(BlockTable, "append", append if fault == "swapped" else _without_copy)

    assert paged_logits(Exactness(model=SHAPE, sequences=3, block=4, shared=6), 0)["logits"] > 1e-3


def _without_copy(table, tokens=1):
    while table.slack < tokens:
        table.blocks.append(table.pool.take())
    table.length += tokens


def test_one_sequence_in_blocks_is_the_contiguous_cache():
    """Prompt in one piece, then a token at a time: equal to our own contiguous cache to the last digits."""
    model = random_decoder(SHAPE, 0, dtype=torch.float64, device="cpu")
    tokens_BT = torch.randint(40, (1, 20), generator=torch.Generator().manual_seed(1))
    run, pool = Cache(SHAPE, batch=1, capacity=20, dtype=torch.float64), BlockPool(9, 4)
    paged, [table] = PagedCache(SHAPE, pool, dtype=torch.float64), scattered_tables(pool, 1, 3)

    for piece in tokens_BT.split([7, 1, 1, 5, 6], dim=1):
        paged.append(table, piece.shape[1])
        paged.select([table], piece.shape[1])
        torch.testing.assert_close(model(piece, run), model(piece, paged), rtol=1e-12, atol=1e-12)


def test_every_memory_and_schedule_writes_the_same_texts():
    """Waiting, giving way and reading again change when a token is written, never which one."""
    requests = requests_of(
        Workload(name="mixed", prompt=Spread(mean=8), output=Spread(mean=14), requests=14), 2, longest=SHAPE.context
    )
    model = random_decoder(SHAPE, 5, dtype=torch.float64, device="cpu")
    prompts = random_prompts(requests, SHAPE.vocabulary, 7)

    def texts(kind, slots, **choices):
        done = serve(model, requests, prompts, memory_of(kind, slots, longest=SHAPE.context), block=4, **choices)
        assert sum(r.output for r in requests) == done.written
        return done.texts

    one = texts(Reserving(asks="exact"), 1000, lanes=1)
    assert [r.total + 1 for r in requests] == [len(text) for text in one]
    assert one == texts(Reserving(asks="exact"), 1000, lanes=4, static=True)
    assert one == texts(Reserving(), 100)
    assert one == texts(Paging(block=4, watermark=0.0), 64)


def test_transformers_own_pages_write_the_same_tokens_as_its_contiguous_cache_and_as_ours():
    model = Decoder(vocabulary=64, width=32, layers=2, heads=4, kv_heads=2, context=96)

    assert {"same": 1.0, "ours": 1.0} == transformers_pages(PagedGeneration(model=model, requests=3, new_tokens=12), 0)


def test_a_request_that_failed_is_no_answer():
    """transformers logs it, and gives the request back without tokens."""
    failed = SimpleNamespace(prompt_ids=[1], generated_tokens=[], error="no page is free")
    llama = SimpleNamespace(generate_batch=lambda *given, **named: {"0": failed})
    config = PagedGeneration(model=Decoder(vocabulary=64, width=32, layers=2, heads=4, context=96), requests=1)

    with pytest.raises(RuntimeError, match="no page is free"):
        paged_texts(llama, [[1]], config)


def test_positions_that_a_lane_cannot_have_of_its_own_are_refused():
    with pytest.raises(ValueError, match="positions are 'learned'"):
        PagedCache(Decoder(vocabulary=40, width=24, layers=2, heads=4, positions="learned"), BlockPool(2, 4))


def test_a_time_is_taken_where_its_configuration_says():
    assert block_reading(BlockRead(sequences=2, tokens=64, block=16, turns=3), 0)["ratio"] > 0
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="'cuda', which is not here"):
            block_reading(BlockRead(sequences=2, tokens=64, block=16, turns=3, device="cuda"), 0)


def test_on_a_gpu_requests_are_served_and_blocks_read_where_the_model_is(gpu):
    """In bfloat16, with weights drawn on the device and room for every request by pages."""
    few = Workload(name="few", prompt=Spread(mean=6), output=Spread(mean=6), requests=4)
    served = served_trace(Serving(model=SHAPE, workload=few, memory=Paging(block=4), slots=96, device="cuda"), 0)
    read = block_reading(BlockRead(sequences=2, tokens=32, block=16, turns=2, device="cuda"), 0)

    assert sum(request.output for request in requests_of(few, 0, longest=48)) == served["written"]
    assert gpu.launches > 0 and read["ratio"] > 0
