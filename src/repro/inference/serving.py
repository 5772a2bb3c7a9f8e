"""What paging costs and changes in a decoder that runs: the measurements. None needs torch to be looked up."""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.measurement import Numbers, measurement
from repro.inference.memory import Paging, Reserving, memory_of
from repro.inference.traces import Workload, requests_of
from repro.models.decoder import Decoder

DTYPES = {"cpu": "float32", "cuda": "bfloat16"}


@dataclass(frozen=True)
class Serving:
    """A decoder with random weights that serves a workload; `lanes` and `static` as `replay` takes them."""

    model: Decoder
    workload: Workload
    memory: Reserving | Paging
    slots: int
    lanes: int | None = None
    static: bool = False
    device: str = "cpu"


@measurement(version=1, alone=True)
def served_trace(config: Serving, seed: int) -> Numbers:
    """`speed` in tokens a second (of one thread's work on a CPU), `at_once` requests computed in a step, `steps`.

    The seed draws the workload, the prompts and the weights.
    """
    import torch

    from repro.inference.lanes import random_decoder, random_prompts, serve

    requests = requests_of(config.workload, seed, longest=config.model.context)
    model = random_decoder(config.model, seed, dtype=getattr(torch, DTYPES[config.device]), device=config.device)
    prompts = random_prompts(requests, config.model.vocabulary, seed)

    def once(count: int | None) -> dict[str, float]:
        memory = memory_of(config.memory, config.slots, longest=config.model.context)
        done = serve(model, requests[:count], prompts[:count], memory, lanes=config.lanes, static=config.static,
                     device=config.device)  # fmt: skip
        return {"speed": done.written / done.seconds, "at_once": done.computed / done.steps, "steps": done.steps,
                "seconds": done.seconds, "written": done.written}  # fmt: skip

    once(2)  # the first pass of a process loads kernels
    return once(None)


@dataclass(frozen=True)
class Exactness:
    """Sequences decoded side by side through scattered blocks; `shared` tokens they have in common and hold once."""

    model: Decoder
    sequences: int = 4
    block: int = 16
    shared: int = 0


@measurement(version=1)
def paged_logits(config: Exactness, seed: int) -> Numbers:
    """Largest differences from whole passes in float64, as `paged_exactness.largest_difference` gives them."""
    from repro.inference.paged_exactness import largest_difference

    return largest_difference(config.model, sequences=config.sequences, block=config.block, shared=config.shared,
                              seed=seed)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One layer's attention in a decoding step: `sequences` queries on `tokens` each; float32 on a CPU, else bf16."""

    sequences: int
    tokens: int
    block: int
    heads: int = 8
    kv_heads: int = 8
    head_width: int = 64
    turns: int = 21
    device: str = "cpu"


@measurement(version=1, alone=True)
def block_reading(config: Reading, seed: int) -> Numbers:
    """Time of attention through a block table over that on contiguous keys: `ratio`, the median of paired turns.

    `run_ms` and `table_ms` are the medians of each. The seed draws the numbers and the order of the blocks.
    """
    from repro.inference.reading import time_both

    return time_both(config, seed)


@dataclass(frozen=True)
class PagedGeneration:
    """Greedy continuations by transformers' own paged generation; `requests` prompts of different lengths."""

    model: Decoder
    requests: int = 4
    new_tokens: int = 24
    page: int = 16
    pages: int = 48


@measurement(version=1)
def transformers_pages(config: PagedGeneration, seed: int) -> Numbers:
    """`same`, the share of tokens that paged and contiguous generation agree on, and ours with them: `ours`.

    The seed draws weights and prompts; float64, so that no near tie is decided by rounding.
    """
    from repro.inference.paged_generation import agreement

    return agreement(config, seed)
