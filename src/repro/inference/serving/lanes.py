"""A small decoder that serves a trace from a paged cache: requests let in as memory allows, decoded side by side."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from repro.inference.serving.memory import Lane, Memory
from repro.inference.serving.paged_cache import PagedCache
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.inference.serving.replay import ServedStep, replay
from repro.inference.serving.traces import Request
from repro.instruments.turns import clock, on_one_thread
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer


def random_decoder(shape: Decoder, seed: int, *, dtype: torch.dtype, device: str) -> Transformer:
    """A decoder with random weights, drawn where they will be."""
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        return Transformer(shape).to(dtype).eval()


def random_prompts(requests: Sequence[Request], vocabulary: int, seed: int) -> list[list[int]]:
    """As many random tokens as each request reads."""
    generator = random.Random(seed)
    return [[generator.randrange(vocabulary) for _ in range(request.prompt)] for request in requests]


@dataclass
class Served:
    """What a decoder did with a trace: tokens of each request, seconds, steps and lanes that were computed."""

    texts: list[list[int]]
    seconds: float = 0.0
    written: int = 0
    steps: int = 0
    computed: int = 0


@dataclass
class Server:
    """A decoder at work on lanes of different lengths; every lane reads its prompt alone and writes with the others."""

    model: Transformer
    cache: PagedCache
    pool: BlockPool
    texts: list[list[int]]
    tables: dict[int, BlockTable] = field(default_factory=dict)
    device: str = "cpu"

    def take(self, step: ServedStep) -> None:
        """Do what a step says."""
        self.forget([lane for lane in step.evicted if lane.number in self.tables])
        for lane in step.admitted:
            self.read(lane)
        self.write(step.writing, step.computed)

    def forget(self, lanes: Sequence[Lane]) -> None:
        """Give the blocks of these lanes back."""
        for lane in lanes:
            self.tables.pop(lane.number).release()

    def read(self, lane: Lane) -> None:
        """A lane's first pass, which also gives the token that it writes next."""
        table = self.tables[lane.number] = BlockTable(self.pool)
        self.cache.append(table, lane.reads)
        self.cache.select([table], lane.reads)
        text = self.texts[lane.number]
        tokens_BT = torch.tensor([text[: lane.reads]], device=self.device)
        if len(text) == lane.reads:  # else it was evicted, and its next token is known
            text.append(int(self.model.output(self.model.hidden(tokens_BT, self.cache)[:, -1]).argmax()))
        else:
            self.model.hidden(tokens_BT, self.cache)

    def write(self, writing: Sequence[Lane], computed: Sequence[Lane]) -> None:
        """Cache each writing lane's token and find the one after it; an ended lane's last one is computed again."""
        for lane in writing:
            self.cache.append(self.tables[lane.number])
        tables = [self.tables[lane.number] for lane in computed]
        self.cache.select(tables, 1)
        last = [self.texts[lane.number][table.length - 1] for lane, table in zip(computed, tables, strict=True)]
        logits_BTV = self.model(torch.tensor(last, device=self.device)[:, None], self.cache)
        after = dict(zip((lane.number for lane in computed), logits_BTV[:, -1].argmax(-1).tolist(), strict=True))
        for lane in writing:
            self.texts[lane.number].append(after[lane.number])


def serve(
    model: Transformer,
    requests: Sequence[Request],
    prompts: Sequence[list[int]],
    memory: Memory,
    *,
    block: int = 16,
    lanes: int | None = None,
    static: bool = False,
    device: str = "cpu",
) -> Served:
    """Greedy continuations of every prompt, let in as `memory` has room for them.

    All memories store tokens in blocks of the same size, so that they differ in how many requests they let in, and in
    nothing that a kernel sees.
    """
    pool = BlockPool(2 * memory.slots // block, block)  # room for any placement: what is scarce is `memory`
    dtype = next(model.parameters()).dtype
    server = Server(
        model,
        PagedCache(model.shape, pool, dtype=dtype, device=device),
        pool,
        [list(prompt) for prompt in prompts],
        device=device,
    )
    done, started = Served(server.texts), clock(device)
    with on_one_thread(device), torch.inference_mode():
        for step in replay(requests, memory, lanes=lanes, static=static):
            server.take(step)
            if not static or not any(lane.left for lane in step.computed):
                server.forget([lane for lane in step.computed if not lane.left])
            done.steps, done.computed = done.steps + 1, done.computed + len(step.computed)
            done.written += len(step.writing)
    done.seconds = clock(device) - started
    return done
