"""Generation with a cache and without, compared and timed.

B batch, T time, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from repro.inference.caches.configurations import Appending, Generation, Lengths, LongStep
from repro.inference.caches.filled import OWN, Filling, filling, random_model, random_tokens
from repro.instruments.live_bytes import Written
from repro.instruments.turns import clock, on_one_thread
from repro.models.transformer import Transformer


def recompute(model: Any, tokens_BT: Tensor) -> Tensor:
    """Logits (B, V) after the last token, by a full pass without a cache."""
    if isinstance(model, Transformer):
        return model.output(model.hidden(tokens_BT)[:, -1])  # type: ignore[no-any-return]
    return model(tokens_BT, use_cache=False, logits_to_keep=1).logits[:, -1]  # type: ignore[no-any-return]


@torch.no_grad()
def compare(config: Generation, seed: int) -> dict[str, float | int | bool]:
    """What `cache_agreement` returns."""
    model = random_model(config.fields, own=config.kind in OWN, dtype=config.dtype, device=config.device, seed=seed)
    tokens_BT = random_tokens(config.fields, config.batch, config.prompt, seed).to(config.device)
    expected = []
    for _ in range(config.tokens):
        expected.append(recompute(model, tokens_BT))
        tokens_BT = torch.cat([tokens_BT, expected[-1].argmax(-1, keepdim=True)], dim=1)
    made = filling(model, config.kind, batch=config.batch, capacity=config.prompt + config.tokens)
    found = [made.read(tokens_BT[:, : config.prompt])]
    made.misplace(config.late)
    found += [made.read(tokens_BT[:, at : at + 1]) for at in range(config.prompt, tokens_BT.shape[1] - 1)]
    expected_TBV, found_TBV = torch.stack(expected), torch.stack(found)
    apart_TB = (found_TBV - expected_TBV).double().abs().amax(-1) / expected_TBV.double().std(-1)
    changed_TB = found_TBV.argmax(-1) != expected_TBV.argmax(-1)
    return {
        "difference": float(apart_TB.max()),
        "changed": int(changed_TB.sum()),
        "steps": changed_TB.numel(),
        "same": torch.equal(expected_TBV, found_TBV),
    }


@torch.no_grad()
def time_lengths(config: Lengths, seed: int) -> dict[str, list[float] | list[int]]:
    """What `generation_seconds` returns."""
    model = random_model(config.fields, own=True, dtype=config.dtype, device=config.device, seed=seed)
    most = config.lengths[-1]
    tokens_BT = random_tokens(config.fields, 1, most, seed).to(config.device)
    with on_one_thread(config.device):
        model(tokens_BT[:, : config.lengths[0]])  # else the first arm pays for what torch sets up once
        made = filling(model, "whole", batch=1, capacity=most)
        cached = _read_at(config, lambda at: made.read(tokens_BT[:, at : at + 1]).argmax(-1))
        recomputed = _read_at(config, lambda at: recompute(model, tokens_BT[:, : at + 1]).argmax(-1))
    return {"lengths": list(config.lengths), "cached": cached, "recomputed": recomputed}


def _read_at(config: Lengths, step: Any) -> list[float]:
    start, found = clock(config.device), []
    for at in range(config.lengths[-1]):
        step(at)
        if at + 1 in config.lengths:
            found.append(clock(config.device) - start)
    return found


@torch.no_grad()
def time_long_steps(config: LongStep, seed: int) -> dict[str, float | int]:
    """What `long_step_seconds` returns."""
    tokens_BT = random_tokens(config.fields, 1, config.steps + 2, seed).to(config.device)
    models = {
        own: random_model(config.fields, own=own, dtype=config.dtype, device=config.device, seed=seed)
        for own in {kind in OWN for kind in config.kinds}
    }
    spent = dict.fromkeys(config.kinds, 0.0)
    with on_one_thread(config.device):
        arms = {kind: _held(models[kind in OWN], kind, config, tokens_BT[:, :1]) for kind in config.kinds}
        for step in range(1, config.steps + 2):
            for kind, made in arms.items():
                start = clock(config.device)
                made.read(tokens_BT[:, step : step + 1])
                spent[kind] += (clock(config.device) - start) * (step > 1)
    return {kind: seconds / config.steps for kind, seconds in spent.items()} | {
        "held": config.held,
        "steps": config.steps,
    }


def _held(model: Any, kind: str, config: LongStep, first_BT: Tensor) -> Filling:
    made = filling(model, kind, batch=1, capacity=config.held + config.steps + 1)
    made.read(first_BT)
    made.append(made.zeros(config.held - 1))
    return made


@torch.no_grad()
def count_written(config: Appending, seed: int) -> dict[str, int]:
    """What `appended_bytes` returns."""
    model = random_model(config.fields, own=config.kind in OWN, dtype=config.dtype, device="cpu", seed=seed)
    made = filling(model, config.kind, batch=1, capacity=config.tokens)
    found = {}
    with Written() as written:
        made.read(random_tokens(config.fields, 1, 1, seed))
        new = made.zeros(1)
        written.bytes = 0
        for token in range(2, config.tokens + 1):
            made.append(new)
            if token == config.tokens // 2:
                found["half"] = written.bytes
    return {**found, "all": written.bytes}
