"""What the pages' calculators know of published decoders, formats and cards: plain numbers, for JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from repro.sizing.adapters import count_lora, linear_names
from repro.sizing.memory.activations import activation_bytes
from repro.sizing.memory.cache import cached_numbers
from repro.sizing.memory.precision import FORMATS, layer_weights
from repro.sizing.memory.states import RECIPES
from repro.sizing.models.architecture import Architecture, Experts, FeedForward
from repro.sizing.models.parameters import count_parameters, expert_parameters
from repro.sizing.operations.cost import PEAK_FLOPS
from repro.sizing.published import published


def catalogue() -> dict[str, Any]:
    """Decoders by name, formats of weights, training recipes (bytes per parameter) and peak speeds of cards."""
    return {
        "models": {
            name: {**describe(entry.architecture), "source": entry.source}
            for name, entry in published().items()
            if entry.architecture.causal and not entry.architecture.encoder
        },
        "formats": {form.name: dataclasses.asdict(form) for form in FORMATS.values()},
        "recipes": {name: dataclasses.asdict(states) for name, states in RECIPES.items()},
        "peak_flops": PEAK_FLOPS,
    }


def describe(model: Architecture) -> dict[str, Any]:
    """A decoder in numbers.

    Returns:
        parameters, active, quantised, adapters, cached, width, hidden and vocabulary as the calculators take them;
        `windowed` and `window` of its cache; `activations`, see `activations_of`; `mixture`, None without experts;
        `shape`, the nearest arguments of `dense_decoder`, None for mixtures and latents; `positions`, if stated.
    """
    counts, cached = count_parameters(model), cached_numbers(model)
    return {
        "parameters": counts.total,
        "active": counts.active,
        "quantised": layer_weights(model),
        "adapters": count_lora(model, 1, linear_names(model)),
        "cached": cached.full,
        "windowed": cached.windowed,
        "window": cached.window,
        "width": model.width,
        "hidden": max(layer.feed_forward.used_hidden for layer in model.layers),
        "vocabulary": model.vocabulary,
        "positions": model.positions,
        "activations": activations_of(model, cached.window),
        "mixture": mixture(model),
        "shape": shape(model),
    }


def activations_of(model: Architecture, window: int) -> dict[str, float]:
    """Bytes of activations per token, as the page computes them for any context.

    Returns:
        selective, full: with that recomputation, whatever the context. base, seen, windowed: without any, the scores of
        attention add `base`, and for each token of the context `seen`, less `windowed` for each beyond the window.
        They are read off `activation_bytes`, which is straight in the context on either side of the window.
    """

    def a_token(tokens: int, recompute: str) -> float:
        return activation_bytes(model, tokens, recompute=recompute) / tokens

    selective = a_token(1, "selective")
    near = a_token(2, "none") - a_token(1, "none")
    far = a_token(window + 2, "none") - a_token(window + 1, "none") if window else near
    return {
        "selective": selective,
        "full": a_token(1, "full"),
        "base": a_token(1, "none") - near - selective,
        "seen": near,
        "windowed": near - far,
    }


def mixture(model: Architecture) -> dict[str, int] | None:
    """A mixture's arguments of `active_share`, where all its layers with experts have as many of them."""
    routed, _ = expert_parameters(model)
    blocks = [layer.feed_forward for layer in model.layers if isinstance(layer.feed_forward, Experts)]
    if not routed or len({(block.experts, block.active) for block in blocks}) > 1:
        return None
    experts, active = blocks[0].experts, blocks[0].active
    total = count_parameters(model).total
    return {"shared": total - routed, "expert": routed // experts, "experts": experts, "active": active}


def shape(model: Architecture) -> dict[str, Any] | None:
    """A dense decoder's arguments of `dense_decoder`, which knows no biases, windows or norms beyond two a layer."""
    attention, block = model.layers[0].attention, model.layers[0].feed_forward
    if attention.latent or not isinstance(block, FeedForward):
        return None
    return {
        "layers": len(model.layers),
        "width": model.width,
        "heads": attention.heads,
        "kv_heads": attention.kv_heads,
        "head_width": attention.key_width,
        "hidden": block.hidden,
        "gated": block.gated,
        "vocabulary": model.vocabulary,
        "tied": model.tied,
    }
