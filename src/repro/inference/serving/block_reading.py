"""The kernel's side of a block table: the same attention on contiguous keys and through the table, timed in turns."""

from __future__ import annotations

import statistics
from functools import partial

import torch
import torch.nn.functional as F

from repro.inference.serving.configurations import DTYPES, BlockRead
from repro.inference.serving.paged_cache import gather
from repro.instruments.turns import milliseconds, on_one_thread, take_turns

WARM_UP = 3


def time_both(config: BlockRead, seed: int) -> dict[str, float]:
    """As `block_reading` returns it."""
    with on_one_thread(config.device), torch.inference_mode():
        return _time_both(config, seed)


def _time_both(config: BlockRead, seed: int) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    kind = {"dtype": getattr(torch, DTYPES[config.device]), "device": config.device}
    blocks = config.sequences * -(-config.tokens // config.block)
    stored = (blocks, config.block, config.kv_heads, config.head_width)
    keys, values = (torch.randn(stored, generator=generator).to(**kind) for _ in range(2))
    tables_BN = torch.randperm(blocks, generator=generator).view(config.sequences, -1).to(config.device)
    run_keys, run_values = (gather(part, tables_BN).contiguous() for part in (keys, values))
    query = torch.randn(config.sequences, config.heads, 1, config.head_width, generator=generator).to(**kind)

    attend = partial(F.scaled_dot_product_attention, query, enable_gqa=config.heads != config.kv_heads)

    def run() -> None:
        attend(run_keys, run_values)

    def table() -> None:
        attend(gather(keys, tables_BN), gather(values, tables_BN))

    take_turns([run, table], rounds=WARM_UP, seed=seed, device=config.device)
    fast, slow = take_turns([run, table], rounds=config.turns, seed=seed, device=config.device)
    run_ms, table_ms = milliseconds([fast, slow])
    ratio = statistics.median(b / a for a, b in zip(fast, slow, strict=True))
    return {"ratio": ratio, "run_ms": run_ms, "table_ms": table_ms}
