"""The arms of a timed decoding step: models, caches filled with random tokens, and CUDA graphs of a step.

B batch, K key-value heads, S time held, D width of a head.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from repro.attention.configurations import Arm, DecodeSteps, sharing, step_weight_bytes
from repro.attention.kernels import KERNELS, use_kernel
from repro.instruments.graphs import capture
from repro.instruments.turns import TimedRun
from repro.models.cache import Cache, GrowingCache
from repro.models.transformer import Transformer

TimedStep = Callable[[], Tensor]
PEAKED = 3.0  # spread of the keys, so that queries single tokens out and a wrong head shows in the logits


@dataclass(frozen=True)
class PreparedArm:
    """An arm ready to be timed; `logits` (B, 1, V) are its first step's."""

    arm: Arm
    run: TimedRun
    logits: Tensor
    cache_bytes: int
    weight_bytes: int


def prepared_arms(config: DecodeSteps, seed: int) -> list[PreparedArm]:
    """Every arm with its model and cache; arms with equal heads share weights and, where it can be, the cache."""
    heads = sorted({arm.kv_heads for arm in config.arms}, reverse=True)
    shared = {number: _model_and_cache(config, number, seed) for number in heads}
    tokens_B1 = torch.randint(
        config.shape.vocabulary,
        (config.batch, 1),
        device=config.device,
        generator=torch.Generator(config.device).manual_seed(seed),
    )
    return [_prepared(config, arm, *shared[arm.kv_heads], tokens_B1) for arm in config.arms]


def _model_and_cache(config: DecodeSteps, kv_heads: int, seed: int) -> tuple[Transformer, Cache]:
    torch.manual_seed(seed)
    shape, dtype = sharing(config.shape, kv_heads), getattr(torch, config.dtype)
    with torch.device(config.device):  # a processor takes longer to draw weights than a GPU to time all arms
        model = Transformer(shape).to(dtype).eval()
    cache = Cache(shape, config.batch, shape.context, dtype=dtype, device=config.device)
    cache.keys.normal_(std=PEAKED)
    cache.values.normal_()
    cache.length = shape.context - 1
    return model, cache


def _prepared(config: DecodeSteps, arm: Arm, model: Transformer, cache: Cache, tokens_B1: Tensor) -> PreparedArm:
    build = _transformers if arm.kernel == "transformers" else _ours
    step = build(arm, model, cache, tokens_B1)
    run: TimedRun = step
    logits_B1V = step()
    if config.device == "cuda" and build is _ours and arm.cache == "static":
        run, logits_B1V = capture(step)
        run()
    weights = step_weight_bytes(model.shape, cache.keys.element_size())
    return PreparedArm(arm, run, logits_B1V, cache.bytes, weights)


def _ours(arm: Arm, model: Transformer, cache: Cache, tokens_B1: Tensor) -> TimedStep:
    """A step of our decoder by one kernel, which forgets its token, so that all steps read equally many."""
    tensors = [*model.parameters(), *model.buffers()]
    model = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})  # same weights, another kernel
    use_kernel(model, KERNELS[arm.kernel])
    own = GrowingCache.of(cache) if arm.cache == "concatenated" else cache

    def step() -> Tensor:
        logits_B1V: Tensor = model(tokens_B1, own)
        own.crop(own.length - 1)
        return logits_B1V

    return step


def _transformers(arm: Arm, model: Transformer, cache: Cache, tokens_B1: Tensor) -> TimedStep:
    """A step of a Llama with the same weights and the same tokens in one of transformers' own caches."""
    from transformers import DynamicCache, StaticCache  # it takes longer to load than a small trial

    from repro.models.llama import to_llama

    llama: Any = to_llama(model)
    for parameter in llama.parameters():  # not `to`, which would round the rotary frequencies as well
        parameter.data = parameter.data.to(cache.keys.dtype)
    past = cache.length
    own: Any = (
        DynamicCache(config=llama.config)
        if arm.cache == "concatenated"
        else (StaticCache(config=llama.config, max_cache_len=cache.capacity))
    )
    for number, (keys, values) in enumerate(zip(cache.keys, cache.values, strict=True)):
        own.update(keys[:, :, :past], values[:, :, :past], number)

    def step() -> Tensor:
        logits_B1V: Tensor = llama(input_ids=tokens_B1, past_key_values=own, use_cache=True).logits
        for layer in own.layers:
            if arm.cache == "concatenated":
                layer.crop(-1)
            else:
                layer.cumulative_length.fill_(past)
        return logits_B1V

    return step


def refuse_unequal(arms: Sequence[PreparedArm], rounding: float) -> None:
    """Refuse to time arms of equal heads whose logits differ by more than `rounding` of their own length.

    Raises:
        RuntimeError: they compute different things.
    """
    for arm in arms:
        first = next(other for other in arms if other.arm.kv_heads == arm.arm.kv_heads)
        off = float((arm.logits - first.logits).float().norm() / first.logits.float().norm())
        if not off <= rounding:
            raise RuntimeError(f"{arm.arm} gives other logits than {first.arm}: {off:.2g} of their length apart")


def stream(config: DecodeSteps) -> TimedRun:
    """A plain read: the sum of an array far larger than any cache of the processor."""
    array = torch.ones(config.stream_bytes // 4, device=config.device)
    return array.sum
