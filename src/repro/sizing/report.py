"""What a person who plans hardware asks of one model: parameters, memory to serve and train it, operations, cards."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from repro.sizing.adapters import count_lora, linear_names
from repro.sizing.calculators import Figures, inference_memory, training_memory
from repro.sizing.memory.activations import activation_bytes, check_recompute
from repro.sizing.memory.cache import GIB, Cached, cached_numbers
from repro.sizing.memory.precision import Format, quantised_weights, stored_bits, stored_bytes, weight_format
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.parameters import Parameters, count_parameters
from repro.sizing.operations.chinchilla import optimal_tokens
from repro.sizing.operations.cost import PEAK_FLOPS, gpu_hours
from repro.sizing.operations.flops import adapter_step_flops, forward_flops, inference_flops, step_flops, training_flops

CARDS = {"24 GB": 24 * GIB, "80 GB": 80 * GIB}  # a card's GB are GiB
MOST = 10**12  # tokens, sequences or ranks that anybody asks for
UTILISATION = 0.4  # of a well-run training; Touvron et al. 2023 (arXiv:2302.13971) reached 0.47


@dataclass(frozen=True)
class Use:
    """How a model is used.

    context: tokens in each sequence. batch: sequences at once, on each card when training. form: of the weights when
    served. cache_bits: of a cached number. rank: of LoRA's adapters on every matrix of the layers. recompute: what
    training computes again instead of keeping it, none, selective or full.
    """

    context: int
    batch: int
    form: Format
    cache_bits: float
    rank: int
    recompute: str = "full"

    def __post_init__(self) -> None:
        check_recompute(self.recompute)
        for name in ("context", "batch", "rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
            if getattr(self, name) > MOST:
                raise ValueError(f"{name} is above {MOST:,}; expected at most that")


@dataclass(frozen=True)
class Sizes:
    """All sizes of a model for one use.

    Memory in bytes, on one card unless it is spread. cards: how many of each kind, None where no number suffices.
    cache_per_sequence: of what layers without attention keep, however long a sequence is.
    """

    model: Architecture
    use: Use
    parameters: Parameters
    serving: Figures
    cache_per_token: float
    cache_per_sequence: float
    serving_cards: dict[str, int | None]
    training: dict[str, Figures]
    training_cards: dict[str, dict[str, int | None]]
    flops: Figures
    optimum: Figures

    def plain(self) -> dict[str, object]:
        """The sizes as plain values, for JSON; a cache that nobody knows is null, and no part of the total."""
        model, counts = self.model, self.parameters
        cache = {"cache": self.serving["cache"], "cache_per_token": self.cache_per_token}
        cache["cache_per_sequence"] = self.cache_per_sequence
        return {
            "model": {
                "name": model.name,
                "family": model.family,
                "layers": len(model.all_layers),
                "width": model.width,
                "uncached": model.uncached,
            },
            "use": dataclasses.asdict(self.use),
            "parameters": {
                **counts.by_kind(),
                "total": counts.total,
                "language": counts.language,
                "active": counts.active,
            },
            "beside": dict(model.beside),
            "serving_bytes": {
                **self.serving,
                **(dict.fromkeys(cache) if model.uncached else cache),
            },
            "serving_cards": self.serving_cards,
            "training_bytes": self.training,
            "training_cards": self.training_cards,
            "flops": self.flops,
            "compute_optimal": self.optimum,
        }


def sizes(model: Architecture, use: Use) -> Sizes:
    """What a model needs for one use: parameters, bytes, cards, operations and its compute-optimal training."""
    counts = count_parameters(model)
    cached = _cached(model)
    serving = _serving(model, use, counts, cached)
    training = _training(model, use, counts)
    return Sizes(
        model=model,
        use=use,
        parameters=counts,
        serving=serving,
        cache_per_token=(cached.full + cached.windowed) * use.cache_bits / 8,
        cache_per_sequence=cached.state * use.cache_bits / 8,
        serving_cards=_cards(serving, own=("overhead",)),
        training=training,
        training_cards={name: _cards(parts, own=("activations", "overhead")) for name, parts in training.items()},
        flops=_flops(model, use, counts),
        optimum=_optimum(counts),
    )


def _cached(model: Architecture) -> Cached:
    """What is cached of a token; an encoder-decoder is taken to read as many tokens as it writes."""
    if not model.causal or model.uncached:
        return Cached(0, 0, 0)
    own, crossed = cached_numbers(model), sum(layer.crossed.cached_width for layer in model.layers if layer.crossed)
    return dataclasses.replace(own, full=own.full + crossed)


def _serving(model: Architecture, use: Use, counts: Parameters, cached: Cached) -> Figures:
    figures = inference_memory(
        parameters=counts.total,
        weight_bits=stored_bits(model, use.form),
        kept_in_16=counts.total - quantised_weights(model, use.form),
        cached=cached.full,
        windowed=cached.windowed,
        window=cached.window,
        width=model.width,
        hidden=max(layer.feed_forward.used_hidden for layer in model.all_layers),
        vocabulary=model.vocabulary,
        context=use.context,
        batch=use.batch,
        cache_bits=use.cache_bits,
    )
    state = cached.state * use.batch * use.cache_bits / 8
    return {name: value + (state if name in ("cache", "total", "per_gpu") else 0) for name, value in figures.items()}


def _training(model: Architecture, use: Use, counts: Parameters) -> dict[str, Figures]:
    """By method: every weight, adapters beside 16-bit weights, adapters beside 4-bit ones; mixed precision, Adam."""
    adapters = count_lora(model, use.rank, linear_names(model))
    activations = activation_bytes(model, use.context, batch=use.batch, recompute=use.recompute)
    four_bits = 8 * stored_bytes(model, weight_format("nf4")) / counts.total
    return {
        name: training_memory(
            parameters=counts.total, trained=trained, frozen_bits=bits, recipe="mixed", activations=activations
        )
        for name, trained, bits in (("full", counts.total, 16), ("lora", adapters, 16), ("qlora", adapters, four_bits))
    }


def _cards(parts: Figures, own: tuple[str, ...]) -> dict[str, int | None]:
    """The fewest cards of each kind, if all but `own` is spread evenly."""
    each = sum(parts[name] for name in own)
    return {name: cards_needed(parts["total"] - each, each, memory) for name, memory in CARDS.items()}


def cards_needed(spread: float, each: float, memory: float) -> int | None:
    """The fewest cards that hold `spread` bytes together and `each` bytes apiece; None if `each` fills one."""
    return None if each >= memory else max(1, math.ceil(spread / (memory - each)))


def _flops(model: Architecture, use: Use, counts: Parameters) -> Figures:
    """Operations per token: over a first pass of the whole context, for one more token after it, and to train."""
    first = forward_flops(model, use.context)
    adapters = count_lora(model, use.rank, linear_names(model), used=True)
    flops = {
        "rule": inference_flops(counts.active, 1),
        "forward": first.total / use.context,
        "scores_share": first.scores / first.total,
        "training": step_flops(first) / use.context,
        "lora_training": adapter_step_flops(first, adapters, use.context) / use.context,
    }
    if model.causal and not model.encoder:
        flops["next_token"] = float(forward_flops(model, 1, past=use.context).total)
    return flops


def _optimum(counts: Parameters) -> Figures:
    """Tokens that Chinchilla's rule gives the active parameters, and what that training takes."""
    tokens = optimal_tokens(counts.active)
    flops = training_flops(counts.active, tokens)
    hours = gpu_hours(flops, peak_flops=PEAK_FLOPS["H100"], utilisation=UTILISATION)
    return {"tokens": tokens, "flops": flops, "h100_hours": hours}
