"""The calculators of the book's pages: plain numbers in, named numbers out.

The pages compute the same in the reader's browser; a test compares the two over a grid of inputs. Memory is in bytes.
"""

from __future__ import annotations

from functools import partial

from repro.sizing import speculation
from repro.sizing.adapters import count_lora, linear_names
from repro.sizing.experts import mixture_parameters, touched_share
from repro.sizing.memory import states
from repro.sizing.memory.activations import HALF, SINGLE, activation_bytes
from repro.sizing.memory.cache import cached_numbers, kv_cache_bytes
from repro.sizing.memory.precision import layer_weights, weight_bytes
from repro.sizing.models.architecture import Architecture, Attention, FeedForward, Layer
from repro.sizing.models.matrices import Matrix
from repro.sizing.models.parameters import count_parameters
from repro.sizing.operations import chinchilla, cost, flops

Figures = dict[str, float]


def dense_decoder(
    *,
    layers: int,
    width: int,
    heads: int,
    kv_heads: int,
    head_width: int,
    hidden: int,
    gated: bool,
    vocabulary: int,
    tied: bool,
) -> Figures:
    """What the other calculators ask of a decoder built as Llama is: RMS norms, no biases, no learned positions.

    Returns:
        parameters; quantised, those in the layers' matrices, which quantisation shrinks; adapters, LoRA's parameters
        for each rank on all of these matrices; cached, numbers kept of every token.
    """
    model = _dense(
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_width=head_width,
        hidden=hidden,
        gated=gated,
        vocabulary=vocabulary,
        tied=tied,
    )
    return {
        "parameters": count_parameters(model).total,
        "quantised": layer_weights(model),
        "adapters": count_lora(model, 1, linear_names(model)),
        "cached": cached_numbers(model).full,
    }


def _dense(
    *,
    layers: int,
    width: int,
    heads: int,
    kv_heads: int,
    head_width: int,
    hidden: int,
    gated: bool,
    vocabulary: int,
    tied: bool = False,
) -> Architecture:
    attention = Attention(width, heads, kv_heads, head_width, head_width)
    layer = Layer(attention, FeedForward(width, hidden, gated))
    head = Matrix("head", width, vocabulary)
    return Architecture(
        name="decoder",
        family="",
        width=width,
        vocabulary=vocabulary,
        layers=(layer,) * layers,
        norm_parameters=width,
        head=head,
        tied=tied,
    )


def inference_memory(
    *,
    parameters: float,
    weight_bits: float,
    kept_in_16: float,
    cached: float,
    windowed: float,
    window: int,
    width: int,
    hidden: int,
    vocabulary: int,
    context: int,
    batch: int = 1,
    cache_bits: float = 16,
    chunk: int = 512,
    gpus: int = 1,
    overhead: float = 1e9,
) -> Figures:
    """Bytes to serve a model: weights, cache, working memory, and the runtime's own on each GPU.

    Args:
        parameters: all of them, experts included.
        weight_bits: for each, constants of quantisation included.
        kept_in_16: how many of them stay in 16 bits all the same; 0 if none do.
        cached, windowed, window: numbers that the cache keeps of every token, and of the last `window` tokens alone;
            `cache.cached_numbers` gives them, and without windows the first is 2 x layers x kv heads x head width.
        width, hidden, vocabulary: of the working memory: in 16 bits the rows of one layer for the tokens in flight
            (two of the model's width, two of the hidden width), in 32 bits one row of logits per sequence. An estimate.
        context: tokens in each sequence, prompt and answer.
        batch: sequences at once.
        cache_bits: of a cached number.
        chunk: most tokens of a prompt that go through the model at once, in each sequence.
        gpus: over which all but the overhead is spread evenly.
        overhead: bytes of the runtime on each GPU (context, kernels, fragmentation); about 1 GB for CUDA.

    Returns:
        weights, cache, working, overhead, total (over all GPUs) and per_gpu.

    Raises:
        ValueError: more parameters kept in 16 bits than there are.
    """
    if kept_in_16 > parameters:
        raise ValueError(f"{kept_in_16:.4g} of {parameters:.4g} parameters cannot stay in 16 bits; give at most all")
    flight = batch * min(context, chunk)
    numbers = (cached * context + windowed * min(context, window)) * batch
    parts = {
        "weights": weight_bytes(parameters - kept_in_16, weight_bits) + weight_bytes(kept_in_16, 16),
        "cache": numbers * cache_bits / 8,
        "working": float(flight * HALF * 2 * (width + hidden) + batch * SINGLE * vocabulary),
        "overhead": overhead * gpus,
    }
    return _summed(parts, gpus)


def activation_memory(
    *,
    layers: int,
    width: int,
    hidden: int,
    gated: bool,
    heads: int,
    kv_heads: int,
    head_width: int,
    vocabulary: int,
    tokens: int,
    batch: int = 1,
    recompute: str = "selective",
) -> float:
    """Bytes of activations of one training step on one GPU, of a dense decoder without dropout; see `activation_bytes`.

    Raises:
        ValueError: an unknown kind of recomputation.
    """
    model = _dense(
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_width=head_width,
        hidden=hidden,
        gated=gated,
        vocabulary=vocabulary,
    )
    return activation_bytes(model, tokens, batch=batch, recompute=recompute)


def training_memory(
    *,
    parameters: float,
    trained: float,
    frozen_bits: float,
    recipe: str,
    activations: float,
    gpus: int = 1,
    stage: int = 0,
    overhead: float = 1e9,
) -> Figures:
    """Bytes to train a model, wholly or through adapters.

    Args:
        parameters: of the base model.
        trained: parameters with gradients: all of them, or the adapters'.
        frozen_bits: of each base weight when only adapters are trained; without meaning when all are.
        recipe: a name of `states.RECIPES`.
        activations: bytes on one GPU, as `activation_memory` gives.
        gpus: that share the states by ZeRO's `stage`, each with activations of its own. A frozen base is sharded at
            stage 3 alone.
        stage: 0 to 3.
        overhead: bytes of the runtime on each GPU.

    Returns:
        frozen, weights, gradients, optimiser, activations, overhead, total (over all GPUs) and per_gpu.

    Raises:
        ValueError: more trained parameters than a full model has, an unknown recipe or stage.
    """
    if not 0 < trained <= parameters:
        raise ValueError(f"{trained:.4g} trained of {parameters:.4g} parameters; expected more than 0 and at most all")
    each = states.recipe(recipe)
    frozen = 0.0 if trained == parameters else weight_bytes(parameters, frozen_bits)
    spread = states.shares(gpus, stage)
    parts = {
        "frozen": frozen * spread.weights * gpus,
        "weights": trained * each.weights * spread.weights * gpus,
        "gradients": trained * each.gradients * spread.gradients * gpus,
        "optimiser": trained * each.optimiser * spread.optimiser * gpus,
        "activations": activations * gpus,
        "overhead": overhead * gpus,
    }
    return _summed(parts, gpus)


def _summed(parts: Figures, gpus: int) -> Figures:
    total = sum(parts.values())
    return {**parts, "total": total, "per_gpu": total / gpus}


def kv_cache(
    *,
    layers: int,
    heads: int,
    kv_heads: int,
    head_width: int,
    context: int,
    batch: int = 1,
    bits: float = 16,
    free_bytes: float = 0.0,
) -> Figures:
    """Bytes of a cache: per_token (and sequence), total, full_heads (if every query head had its own), and longest.

    longest: tokens per sequence for which `free_bytes` suffice.
    """
    size = partial(kv_cache_bytes, layers=layers, head_width=head_width, batch=batch, bits=bits)
    return {
        "per_token": size(kv_heads=kv_heads, tokens=1) / batch,
        "total": size(kv_heads=kv_heads, tokens=context),
        "full_heads": size(kv_heads=heads, tokens=context),
        "longest": free_bytes // size(kv_heads=kv_heads, tokens=1),
    }


def training_cost(
    *,
    parameters: float,
    tokens: float,
    gpus: float,
    peak_flops: float,
    utilisation: float,
    dollars_per_gpu_hour: float,
) -> Figures:
    """flops (6 N D, N of a mixture its active count), petaflop_days, gpu_hours, days and dollars of a training run."""
    needed = flops.training_flops(parameters, tokens)
    hours = cost.gpu_hours(needed, peak_flops=peak_flops, utilisation=utilisation)
    return {
        "flops": needed,
        "petaflop_days": cost.petaflop_days(needed),
        "gpu_hours": hours,
        "days": cost.days(hours, gpus),
        "dollars": hours * dollars_per_gpu_hour,
    }


def compute_optimal(*, budget: float, ratio: float = chinchilla.TOKENS_PER_PARAMETER) -> Figures:
    """parameters and tokens that `budget` operations buy at `ratio` tokens per parameter."""
    parameters, tokens = chinchilla.optimal_size(budget, ratio=ratio)
    return {"parameters": parameters, "tokens": tokens}


def active_share(*, shared: float, expert: float, experts: int, active: int, batch: int = 1) -> Figures:
    """total and active parameters of a mixture, their share, naive (k/E), and the share of experts a batch touches."""
    total, used = mixture_parameters(shared=shared, expert=expert, experts=experts, active=active)
    return {
        "total": total,
        "active": used,
        "share": used / total,
        "naive": active / experts,
        "touched": touched_share(experts, active, batch),
    }


def speculative(*, acceptance: float, drafted: int, cost: float) -> Figures:
    """tokens per verification, speed_up over plain decoding, and the best draft with its speed-up.

    cost: time of one draft step over that of one verification.
    """
    best = speculation.best_draft(acceptance, cost)
    return {
        "tokens": speculation.expected_tokens(acceptance, drafted),
        "speed_up": speculation.speed_up(acceptance, drafted, cost),
        "best_draft": best,
        "best_speed_up": speculation.speed_up(acceptance, best, cost),
    }
