"""What is measured of attention: the time of a step and of a pass, and whether kernels agree."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from repro.attention.configurations import ROUNDING, Absorption, AttentionPass, DecodeSteps, Grouping
from repro.attention.heads import random_model, with_repeated_heads
from repro.floor.measurement import Numbers, measurement

if TYPE_CHECKING:
    from repro.models.transformer import Mix, Transformer


@measurement(version=1)
def absorbed_attention(config: Absorption, seed: int) -> Numbers:
    """The largest differences, of `scores` and of `outputs`, that absorbing the keys' and values' matrices makes.

    Absorbed, a query is multiplied once by the keys' up-projection and the output by the values', so that only latents
    are read. Both are in standard deviations of the numbers compared.

    Source: DeepSeek-AI 2024 (arXiv:2405.04434), section 2.1.
    """
    import torch

    from repro.models.positions import rotary_angles, rotate

    generator = torch.Generator().manual_seed(seed)

    def random(*size: int) -> torch.Tensor:
        return torch.randn(size, dtype=torch.float64, generator=generator)

    time, heads, rank = config.tokens, config.heads, config.rank
    latent_SC, query_HTN = random(time, rank), random(heads, time, config.plain)
    key_up_HNC, value_up_HNC = (random(heads, config.plain, rank) / rank**0.5 for _ in range(2))
    output_HNW = random(heads, config.plain, config.width) / (heads * config.plain) ** 0.5
    key_HSN, value_HSN = (latent_SC @ up_HNC.mT for up_HNC in (key_up_HNC, value_up_HNC))
    absorbed_HTC = query_HTN @ key_up_HNC
    if config.decoupled:
        rotary_HTS = random(heads, time, config.rotary) @ random(time, config.rotary).mT
    else:
        cosines, sines = (angles.double() for angles in rotary_angles(time, config.plain, 10_000.0))
        query_HTN, key_HSN = rotate(query_HTN, cosines, sines), rotate(key_HSN, cosines, sines)
        absorbed_HTC, rotary_HTS = query_HTN @ key_up_HNC, torch.zeros((), dtype=torch.float64)
    made_HTS = query_HTN @ key_HSN.mT + rotary_HTS
    read_HTS = absorbed_HTC @ latent_SC.mT + rotary_HTS
    scale = (config.plain + config.rotary * config.decoupled) ** -0.5
    made_TW = ((made_HTS * scale).softmax(-1) @ value_HSN @ output_HNW).sum(0)
    read_TW = ((read_HTS * scale).softmax(-1) @ latent_SC @ (value_up_HNC.mT @ output_HNW)).sum(0)
    return {
        "scores": float((made_HTS - read_HTS).abs().max() / made_HTS.std()),
        "outputs": float((made_TW - read_TW).abs().max() / made_TW.std()),
    }


@measurement(version=1, alone=True)
def decode_steps(config: DecodeSteps, seed: int) -> Numbers:
    """Time every arm in turn, together with a plain read of memory.

    Lists run over the arms: `milliseconds` of a step (the median over the rounds), `cache_bytes` and `weight_bytes`
    read in it. `gigabytes_per_second` is the plain read's. The seed draws weights, past tokens and the order of each
    round. On a GPU a step of ours with a static cache runs as a CUDA graph; one that allocates its cache anew cannot.

    Raises:
        ValueError: the device is not here.
        RuntimeError: two arms with equal heads give different logits.
    """
    import torch

    from repro.attention.steps import prepared_arms, refuse_unequal, stream
    from repro.instruments.turns import milliseconds, on_one_thread, take_turns

    with on_one_thread(config.device), torch.inference_mode():
        arms = prepared_arms(config, seed)
        refuse_unequal(arms, ROUNDING[config.dtype])
        runs = [*(arm.run for arm in arms), stream(config)]
        for run in runs:
            run()  # untimed: capturing an arm's graph takes back the memory that those before it had used
        seconds = take_turns(runs, rounds=config.rounds, seed=seed, device=config.device)
    *steps, reading = milliseconds(seconds)
    return {
        "milliseconds": steps,
        "cache_bytes": [arm.cache_bytes for arm in arms],
        "weight_bytes": [arm.weight_bytes for arm in arms],
        "gigabytes_per_second": config.stream_bytes / reading / 1e6,
    }


@measurement(version=1)
def grouping(config: Grouping, seed: int) -> Numbers:
    """The largest differences of a logit, in float64, between grouped attention and the kinds that it contains.

    `to_multi_head` with as many groups as heads, `to_multi_query` with one, each against a loop that knows no groups;
    `between` the largest over all `groups`, against a multi-head model whose key and value projections are the grouped
    ones, each repeated for the query heads of its group. The seed draws weights and tokens.
    """
    import torch

    from repro.attention.kernels import KERNELS, use_kernel
    from repro.attention.naive import multi_head, multi_query

    heads = config.shape.heads
    groups = [number for number in range(1, heads + 1) if heads % number == 0]
    tokens_BT = torch.randint(
        config.shape.vocabulary, (config.batch, config.shape.context), generator=torch.Generator().manual_seed(seed)
    )

    def logits(model: Transformer, mix: Mix) -> torch.Tensor:
        use_kernel(model, mix)
        with torch.inference_mode():
            logits_BTV: torch.Tensor = model(tokens_BT)
        return logits_BTV

    def difference(number: int, whole: bool, mix: Mix) -> float:
        model = random_model(replace(config.shape, kv_heads=number), seed)
        ours = logits(model, KERNELS[config.kernel])
        return float((ours - logits(with_repeated_heads(model) if whole else model, mix)).abs().max())

    return {
        "groups": groups,
        "to_multi_head": difference(heads, False, multi_head),
        "to_multi_query": difference(1, False, multi_query),
        "between": max(difference(number, True, multi_head) for number in groups),
    }


@measurement(version=1, alone=True)
def attention_pass(config: AttentionPass, seed: int) -> Numbers:
    """Time the forward pass of the layer, every combination in turn.

    Lists run over the combinations of `heads` and `kernel`: `milliseconds` of a pass, the median over the rounds. The
    seed draws the numbers and the order of each round.

    Raises:
        ValueError: the device is not here.
    """
    import torch

    from repro.attention.kernels import KERNELS
    from repro.instruments.turns import milliseconds, on_one_thread, take_turns
    from repro.models.transformer import Attention

    shape, dtype = config.shape, getattr(torch, config.dtype)
    torch.manual_seed(seed)
    x_BTW = torch.randn(config.batch, shape.context, shape.width, device=config.device, dtype=dtype)
    layers = []
    for number, kernel in (pairs := list(product(config.kv_heads, config.kernels))):
        layer = Attention(replace(shape, kv_heads=number), 0).to(config.device, dtype)
        layer.mix = KERNELS[kernel]
        layers.append(layer)
    runs = [partial(layer, x_BTW, None, None) for layer in layers]
    with on_one_thread(config.device), torch.inference_mode():
        for run in runs:
            run()
        seconds = take_turns(runs, rounds=config.rounds, seed=seed, device=config.device)
    return {
        "heads": [number for number, _ in pairs],
        "kernel": [kernel for _, kernel in pairs],
        "milliseconds": milliseconds(seconds),
    }
