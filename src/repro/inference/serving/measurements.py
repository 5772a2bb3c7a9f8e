"""What is measured of serving: where memory goes, what paging costs, and that it changes nothing."""

from __future__ import annotations

import statistics
from functools import partial

from repro.floor.measurement import Numbers, measurement
from repro.inference.serving.configurations import (
    DTYPES,
    BlockRead,
    Exactness,
    PagedGeneration,
    Paging,
    Replay,
    Sampling,
    Serving,
)
from repro.inference.serving.memory import memory_of
from repro.inference.serving.paging import BlockPool, BlockTable
from repro.inference.serving.replay import ServedStep, Tally, replay, trace_numbers
from repro.inference.serving.traces import Request, requests_of


@measurement(version=1, alone=True)
def served_trace(config: Serving, seed: int) -> Numbers:
    """`speed` in tokens per second (of one thread's work on a CPU), `at_once` requests computed per step, `steps`.

    The seed draws the workload, the prompts and the weights.
    """
    import torch

    from repro.inference.serving.lanes import random_decoder, random_prompts, serve

    requests = requests_of(config.workload, seed, longest=config.model.context)
    model = random_decoder(config.model, seed, dtype=getattr(torch, DTYPES[config.device]), device=config.device)
    prompts = random_prompts(requests, config.model.vocabulary, seed)
    serving = partial(serve, model, lanes=config.lanes, static=config.static, device=config.device)
    empty = partial(memory_of, config.memory, config.slots, longest=config.model.context)
    serving(requests[:2], prompts[:2], empty())  # the first pass of a process loads kernels
    done = serving(requests, prompts, empty())
    return {
        "speed": done.written / done.seconds,
        "at_once": done.computed / done.steps,
        "steps": done.steps,
        "seconds": done.seconds,
        "written": done.written,
    }


@measurement(version=1)
def paged_logits(config: Exactness, seed: int) -> Numbers:
    """Sequences decoded side by side through scattered blocks against whole passes, in float64.

    `logits` and `attention` are the largest differences over the largest value, of gathered blocks and of a sum block
    by block; `scattered` the share of neighbouring blocks that do not lie side by side; `copied` blocks.
    """
    import torch

    from repro.inference.serving.lanes import random_decoder
    from repro.inference.serving.paged_cache import PagedCache
    from repro.inference.serving.scattered import (
        attention_difference,
        decode_side_by_side,
        forked_tables,
        random_texts,
        scattered_tables,
        share_apart,
    )

    model = random_decoder(config.model, seed, dtype=torch.float64, device="cpu")
    texts = random_texts(config, seed)
    pool = BlockPool(config.sequences * (config.model.context // config.block + 2), config.block)
    cache = PagedCache(config.model, pool, dtype=torch.float64)
    tables = scattered_tables(pool, config.sequences, seed)
    with torch.inference_mode():
        tables = forked_tables(model, cache, tables, texts[0][: config.shared])
        logits, copied = decode_side_by_side(model, cache, tables, texts)
        whole = [model(torch.tensor([text]))[0, config.shared :] for text in texts]
        apart = max(float((a - b).abs().max()) for a, b in zip(whole, logits, strict=True))
        attention = attention_difference(cache, tables, seed)
    return {
        "logits": apart / max(float(one.abs().max()) for one in whole),
        "attention": attention,
        "copied": float(copied),
        "scattered": share_apart(tables),
    }


@measurement(version=1, alone=True)
def block_reading(config: BlockRead, seed: int) -> Numbers:
    """Time of attention through a block table over that on contiguous keys: `ratio`, the median of paired turns.

    `run_ms` and `table_ms` are the medians of each. The seed draws the numbers and the order of the blocks.
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    from repro.inference.serving.paged_cache import gather
    from repro.instruments.turns import milliseconds, on_one_thread, take_turns

    generator = torch.Generator().manual_seed(seed)
    blocks = config.sequences * -(-config.tokens // config.block)
    with on_one_thread(config.device), torch.inference_mode():
        kind = {"dtype": getattr(torch, DTYPES[config.device]), "device": config.device}
        size = (blocks, config.block, config.kv_heads, config.head_width)
        keys, values = (torch.randn(size, generator=generator).to(**kind) for _ in range(2))
        tables_BN = torch.randperm(blocks, generator=generator).view(config.sequences, -1).to(config.device)
        run_keys, run_values = (gather(part, tables_BN).contiguous() for part in (keys, values))
        query = torch.randn(config.sequences, config.heads, 1, config.head_width, generator=generator).to(**kind)
        attend = partial(scaled_dot_product_attention, query, enable_gqa=config.heads != config.kv_heads)
        sides = [
            lambda: attend(run_keys, run_values),
            lambda: attend(gather(keys, tables_BN), gather(values, tables_BN)),
        ]
        take_turns(sides, rounds=3, seed=seed, device=config.device)  # the first rounds warm up
        run, table = take_turns(sides, rounds=config.turns, seed=seed, device=config.device)
    ratio = statistics.median(slow / fast for fast, slow in zip(run, table, strict=True))
    return {"ratio": ratio, **dict(zip(("run_ms", "table_ms"), milliseconds([run, table]), strict=True))}


@measurement(version=1)
def transformers_pages(config: PagedGeneration, seed: int) -> Numbers:
    """Transformers' paged generation beside its contiguous one and our paged decoder, on the same weights.

    `same` is the share of tokens that paged and contiguous generation agree on, `ours` that of our decoder with these.

    The seed draws weights and prompts; float64, so that no near tie is decided by rounding.
    """
    import torch

    from repro.inference.serving.lanes import random_decoder, random_prompts, serve
    from repro.inference.serving.paged_generation import contiguous_texts, paged_texts, share_alike
    from repro.models.llama import to_llama

    requests = [Request(0.0, 1 + 5 * index, config.new_tokens) for index in range(config.requests)]
    prompts = random_prompts(requests, config.model.vocabulary, seed)
    model = random_decoder(config.model, seed, dtype=torch.float64, device="cpu")
    llama = to_llama(model).double()
    contiguous, paged = contiguous_texts(llama, prompts, config.new_tokens), paged_texts(llama, prompts, config)
    memory = memory_of(Paging(block=config.page), config.pages * config.page, longest=config.model.context)
    texts = serve(model, requests, prompts, memory, block=config.page).texts
    ours = [text[len(prompt) :][: config.new_tokens] for text, prompt in zip(texts, prompts, strict=True)]
    return {"same": share_alike(contiguous, paged), "ours": share_alike(contiguous, ours)}


@measurement(version=1)
def replay_trace(config: Replay, seed: int) -> Numbers:
    """Where the slots of a pool go, how many requests it holds at once and how fast they are served.

    The seed draws the workload. Each step counts once, and only steps in which a request waits (all, if none ever
    does): `tokens`, `reserved`, `internal`, `external` as shares of the pool, `at_once` requests at work, `idle_held`
    the share without a token of what requests hold. Over the whole replay: `seconds`, `speed` in tokens written per
    second, `idle_lanes` the share of computed lanes that wrote nothing, `evictions` per request, `read_again` the
    share of tokens read that had been read before.
    """
    requests = requests_of(config.source, seed, longest=config.longest)
    memory = memory_of(config.memory, config.slots, longest=config.longest)
    tally = Tally(memory, config.machine)
    seconds = partial(ServedStep.seconds, machine=config.machine)
    for step in replay(requests, memory, lanes=config.lanes, static=config.static, seconds=seconds):
        tally.count(step)
    return {**tally.numbers(), **trace_numbers(requests, tally)}


@measurement(version=1)
def shared_blocks(config: Sampling, seed: int) -> Numbers:
    """`saved`: the share of blocks that sharing the prompt saves, summed over steps; `copied` blocks per request.

    Source: Kwon et al. 2023 (arXiv:2309.06180), section 6.3 and figure 15, for what is counted.
    """
    traces = [
        requests_of(config.workload, seed * config.samples + k, longest=config.longest) for k in range(config.samples)
    ]
    alone = together = copies = 0
    for samples in zip(*traces, strict=True):
        prompt = samples[0].prompt
        outputs = [min(one.output, config.longest - prompt) for one in samples]
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
