"""What is measured of caches: bytes, agreement, seconds, and bytes written."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.caches.configurations import Appending, CacheFill, Generation, Lengths, LongStep


@measurement(version=1)
def held_bytes(config: CacheFill, seed: int) -> Numbers:
    """Fill a cache (`prompt`, `steps`), `append` a token, `crop`, append another (`after`), and count bytes each time.

    After each turn `held` are bytes of the storages behind keys and values, `seen` what their tensors show of them;
    `alive` and `peak` are the allocator's own count, the model's weights left out. `beside` are bytes of counters and
    scales, `left` those alive once the cache is dropped, `append_allocated` the CUDA allocator's own peak (None on a
    CPU). An append puts a token's keys and values into the cache, layer by layer, without the model. Where the cache
    refuses to crop, `refused` says why, and the numbers of `crop` and `after` are None.
    """
    import gc

    import torch

    from repro.inference.caches.filled import OWN, byte_counts, fill_by_turns, filling, random_model, random_tokens
    from repro.instruments.devices import attention_of_any_length
    from repro.instruments.live_bytes import Watch

    own, device = config.kind in OWN, config.device
    model = random_model(config.fields, own=own, dtype=config.dtype, device=device, seed=seed)
    tokens_BT = random_tokens(config.fields, config.batch, config.prompt + config.steps, seed).to(device)
    with torch.no_grad(), attention_of_any_length(), Watch(device) as watch:
        filled = filling(model, config.kind, batch=config.batch, capacity=config.capacity)
        stored, refused = fill_by_turns(filled, config, tokens_BT, watch)
        del filled
        gc.collect()  # the cache and the note of its sizes refer to each other
        watch.mark("dropped")
    return {"predicted": config.predicted(), **byte_counts(stored, watch.phases, refused)}


@measurement(version=1)
def cache_agreement(config: Generation, seed: int) -> Numbers:
    """Continue without a cache, then read the same tokens with one, and compare at each step.

    `difference` is the largest over all logits, in standard deviations of a step's logits; `changed` of `steps`
    likeliest tokens are others with the cache; `same` says whether the logits are bit by bit the same.
    """
    import torch

    from repro.inference.caches.filled import OWN, filling, random_model, random_tokens
    from repro.inference.caches.generations import recompute
    from repro.instruments.devices import attention_of_any_length

    model = random_model(config.fields, own=config.kind in OWN, dtype=config.dtype, device=config.device, seed=seed)
    tokens_BT = random_tokens(config.fields, config.batch, config.prompt, seed).to(config.device)
    expected = []
    with torch.no_grad(), attention_of_any_length():
        for _ in range(config.tokens):
            expected.append(recompute(model, tokens_BT))
            tokens_BT = torch.cat([tokens_BT, expected[-1].argmax(-1, keepdim=True)], dim=1)
        filled = filling(model, config.kind, batch=config.batch, capacity=config.prompt + config.tokens)
        cached = [filled.read(tokens_BT[:, : config.prompt])]
        filled.misplace(config.late)
        cached += [filled.read(tokens_BT[:, at : at + 1]) for at in range(config.prompt, tokens_BT.shape[1] - 1)]
    expected_TBV, cached_TBV = torch.stack(expected), torch.stack(cached)
    apart_TB = (cached_TBV - expected_TBV).double().abs().amax(-1) / expected_TBV.double().std(-1)
    changed_TB = cached_TBV.argmax(-1) != expected_TBV.argmax(-1)
    return {
        "difference": float(apart_TB.max()),
        "changed": int(changed_TB.sum()),
        "steps": changed_TB.numel(),
        "same": torch.equal(expected_TBV, cached_TBV),
    }


@measurement(version=1, alone=True)
def generation_seconds(config: Lengths, seed: int) -> Numbers:
    """Seconds until each length is generated, `cached` (whole) and `recomputed` (a full pass over each prefix)."""
    import torch

    from repro.inference.caches.filled import filling, random_model, random_tokens
    from repro.inference.caches.generations import recompute, seconds_at
    from repro.instruments.turns import on_one_thread

    model = random_model(config.fields, own=True, dtype=config.dtype, device=config.device, seed=seed)
    longest = config.lengths[-1]
    tokens_BT = random_tokens(config.fields, 1, longest, seed).to(config.device)
    with torch.no_grad(), on_one_thread(config.device):
        for length in config.lengths:  # else the first arm pays for what torch sets up once
            recompute(model, tokens_BT[:, :length])
        filling(model, "whole", batch=1, capacity=longest).read(tokens_BT[:, :1])
        filled = filling(model, "whole", batch=1, capacity=longest)
        cached = seconds_at(config, lambda at: filled.read(tokens_BT[:, at : at + 1]).argmax(-1))
        recomputed = seconds_at(config, lambda at: recompute(model, tokens_BT[:, : at + 1]).argmax(-1))
    return {"lengths": list(config.lengths), "cached": cached, "recomputed": recomputed}


@measurement(version=1, alone=True)
def long_step_seconds(config: LongStep, seed: int) -> Numbers:
    """Mean seconds of a step of the whole model, by kind of cache; the first step with each is not counted.

    Beside them stand `held` tokens before the first step, and `steps` that were counted.
    """
    import torch

    from repro.inference.caches.filled import OWN, random_model, random_tokens
    from repro.inference.caches.generations import long_cache
    from repro.instruments.turns import clock, on_one_thread

    tokens_BT = random_tokens(config.fields, 1, config.steps + 2, seed).to(config.device)
    models = {
        own: random_model(config.fields, own=own, dtype=config.dtype, device=config.device, seed=seed)
        for own in {kind in OWN for kind in config.kinds}
    }
    spent = dict.fromkeys(config.kinds, 0.0)
    with torch.no_grad(), on_one_thread(config.device):
        caches = {kind: long_cache(models[kind in OWN], kind, config, tokens_BT[:, :1]) for kind in config.kinds}
        for step in range(1, config.steps + 2):
            for kind, filled in caches.items():
                start = clock(config.device)
                filled.read(tokens_BT[:, step : step + 1])
                spent[kind] += (clock(config.device) - start) * (step > 1)
    means = {kind: seconds / config.steps for kind, seconds in spent.items()}
    return {**means, "held": config.held, "steps": config.steps}


@measurement(version=1)
def appended_bytes(config: Appending, seed: int) -> Numbers:
    """Bytes that concatenations and copies write, over the first half of the tokens (`half`) and over all (`all`)."""
    import torch

    from repro.inference.caches.filled import OWN, filling, random_model, random_tokens
    from repro.instruments.live_bytes import Written

    model = random_model(config.fields, own=config.kind in OWN, dtype=config.dtype, device="cpu", seed=seed)
    filled = filling(model, config.kind, batch=1, capacity=config.tokens)
    counts = {}
    with torch.no_grad(), Written() as written:
        filled.read(random_tokens(config.fields, 1, 1, seed))
        new = filled.zeros(1)
        written.bytes = 0
        for token in range(2, config.tokens + 1):
            filled.append(new)
            if token == config.tokens // 2:
                counts["half"] = written.bytes
    return {**counts, "all": written.bytes}
