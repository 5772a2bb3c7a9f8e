"""What paging costs and changes in a decoder that runs: the measurements. None needs torch to be looked up."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.serving.configurations import (
    DTYPES,
    BlockRead,
    Exactness,
    PagedGeneration,
    Replay,
    Sampling,
    Serving,
)
from repro.inference.serving.memory import memory_of
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.inference.serving.replay import Tally, _trace_numbers, replay
from repro.inference.serving.traces import requests_of


@measurement(version=1, alone=True)
def served_trace(config: Serving, seed: int) -> Numbers:
    """`speed` in tokens a second (of one thread's work on a CPU), `at_once` requests computed in a step, `steps`.

    The seed draws the workload, the prompts and the weights.
    """
    import torch

    from repro.inference.serving.lanes import random_decoder, random_prompts, serve

    requests = requests_of(config.workload, seed, longest=config.model.context)
    model = random_decoder(config.model, seed, dtype=getattr(torch, DTYPES[config.device]), device=config.device)
    prompts = random_prompts(requests, config.model.vocabulary, seed)

    def once(count: int | None) -> dict[str, float]:
        memory = memory_of(config.memory, config.slots, longest=config.model.context)
        done = serve(
            model,
            requests[:count],
            prompts[:count],
            memory,
            lanes=config.lanes,
            static=config.static,
            device=config.device,
        )
        return {
            "speed": done.written / done.seconds,
            "at_once": done.computed / done.steps,
            "steps": done.steps,
            "seconds": done.seconds,
            "written": done.written,
        }

    once(2)  # the first pass of a process loads kernels
    return once(None)


@measurement(version=1)
def paged_logits(config: Exactness, seed: int) -> Numbers:
    """Largest differences from whole passes in float64, as `paged_exactness.largest_difference` gives them."""
    from repro.inference.serving.scattered import largest_difference

    return largest_difference(
        config.model, sequences=config.sequences, block=config.block, shared=config.shared, seed=seed
    )


@measurement(version=1, alone=True)
def block_reading(config: BlockRead, seed: int) -> Numbers:
    """Time of attention through a block table over that on contiguous keys: `ratio`, the median of paired turns.

    `run_ms` and `table_ms` are the medians of each. The seed draws the numbers and the order of the blocks.
    """
    from repro.inference.serving.block_reading import time_both

    return time_both(config, seed)


@measurement(version=1)
def transformers_pages(config: PagedGeneration, seed: int) -> Numbers:
    """`same`, the share of tokens that paged and contiguous generation agree on, and ours with them: `ours`.

    The seed draws weights and prompts; float64, so that no near tie is decided by rounding.
    """
    from repro.inference.serving.paged_generation import agreement

    return agreement(config, seed)


@measurement(version=1)
def replay_trace(config: Replay, seed: int) -> Numbers:
    """Where the slots of a pool go, how many requests it holds at once and how fast they are served.

    The seed draws the workload. Each step counts once, and only steps in which a request waits (all, if none ever
    does): `tokens`, `reserved`, `internal`, `external` as shares of the pool, `at_once` requests at work, `idle_held`
    the share without a token of what requests hold. Over the whole replay: `seconds`, `speed` in tokens written a
    second, `idle_lanes` the share of computed lanes that wrote nothing, `evictions` a request, `read_again` the share
    of tokens read that had been read before.
    """
    requests = requests_of(config.source, seed, longest=config.longest)
    memory = memory_of(config.memory, config.slots, longest=config.longest)
    tally = Tally(memory, config.machine)
    for step in replay(requests, memory, lanes=config.lanes, static=config.static, seconds=config.machine.seconds):
        tally.count(step)
    return {**tally.numbers(), **_trace_numbers(requests, tally)}


@measurement(version=1)
def shared_blocks(config: Sampling, seed: int) -> Numbers:
    """`saved`: the share of blocks that sharing the prompt saves, summed over steps; `copied` blocks a request.

    Source: Kwon et al. 2023 (arXiv:2309.06180), section 6.3 and figure 15, for what is counted.
    """
    drawn = [
        requests_of(config.workload, seed * config.samples + k, longest=config.longest) for k in range(config.samples)
    ]
    alone = together = copies = 0
    for same in zip(*drawn, strict=True):
        prompt, outputs = same[0].prompt, [min(r.output, config.longest - same[0].prompt) for r in same]
        pool = BlockPool(config.samples * -(-config.longest // config.block), config.block)
        first = BlockTable(pool)
        first.append(prompt)
        tables = [first] + [first.fork() for _ in outputs[1:]]
        for step in range(max(outputs)):
            for table, output in zip(tables, outputs, strict=True):
                if step < output:
                    copies += table.append() is not None
                elif step == output:
                    table.release()
            alone += sum(len(table.blocks) for table in tables)
            together += pool.held
    return {"saved": 1 - together / alone, "copied": copies / config.workload.requests}
