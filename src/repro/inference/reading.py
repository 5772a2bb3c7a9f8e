"""The kernel's side of a block table: the same attention on contiguous keys and through the table, timed in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.inference.lanes import clock
from repro.inference.paged_cache import gather
from repro.inference.serving import DTYPES, Reading

WARM_UP = 3


def time_both(config: Reading, seed: int) -> dict[str, float]:
    """As `block_reading` returns it."""
    now = clock(config.device)
    generator = torch.Generator().manual_seed(seed)
    kind = {"dtype": getattr(torch, DTYPES[config.device]), "device": config.device}
    blocks = config.sequences * -(-config.tokens // config.block)
    stored = (blocks, config.block, config.kv_heads, config.head_width)
    keys, values = (torch.randn(stored, generator=generator).to(**kind) for _ in range(2))
    tables_BN = torch.randperm(blocks, generator=generator).view(config.sequences, -1).to(config.device)
    run_keys, run_values = (gather(part, tables_BN).contiguous() for part in (keys, values))
    query = torch.randn(config.sequences, config.heads, 1, config.head_width, generator=generator).to(**kind)

    sides: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
        "run": lambda: (run_keys, run_values),
        "table": lambda: (gather(keys, tables_BN), gather(values, tables_BN)),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    with torch.inference_mode():
        for _ in range(WARM_UP + config.turns):
            for name, side in sides.items():
                started = now()
                F.scaled_dot_product_attention(query, *side(), enable_gqa=config.heads != config.kv_heads)
                taken[name].append(now() - started)
    run, table = (taken[name][WARM_UP:] for name in ("run", "table"))
    ratio = statistics.median(slow / fast for slow, fast in zip(table, run, strict=True))
    return {"ratio": ratio, "run_ms": 1e3 * statistics.median(run), "table_ms": 1e3 * statistics.median(table)}
