"""Configurations of models around their caches: tiny ones, and published ones with all else made small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.sizing.families import FAMILIES, architecture
from repro.sizing.families.unsaid import completed
from repro.sizing.memory.cache import longest_context
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.config import ConfigRefused, read_config
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published

Field = bool | int | float | str | None | tuple[str, ...]
Fields = tuple[tuple[str, Field], ...]  # of a config.json, sorted by name
PLAIN: dict[str, Field] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "max_position_embeddings": 8192,
    "initializer_range": 0.125,  # 1 / sqrt(width), so that logits differ by about 1
}
LATENT: dict[str, Field] = {
    "num_key_value_heads": 8,
    "kv_lora_rank": 16,
    "q_lora_rank": 24,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 16,
    "v_head_dim": 12,
    "moe_intermediate_size": 16,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
}
# What a cache depends on; all else of a configuration may be small.
DEPENDED_ON = {
    "model_type",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_size",
    "max_position_embeddings",
    "sliding_window",
    "use_sliding_window",
    "max_window_layers",
    "layer_types",
    "sliding_window_pattern",
    "kv_lora_rank",
    "q_lora_rank",
    "qk_rope_head_dim",
    "first_k_dense_replace",
    "n_embd",
    "n_head",
    "n_layer",
    "n_positions",
}
SMALL: dict[str, Field] = {
    "vocab_size": 16,
    "intermediate_size": 8,
    "n_inner": 8,
    "moe_intermediate_size": 8,
    "n_routed_experts": 2,
    "n_shared_experts": 1,
    "num_local_experts": 2,
    "num_experts": 2,
    "num_experts_per_tok": 1,
    "n_group": 1,
    "topk_group": 1,
    "qk_nope_head_dim": 4,
    "v_head_dim": 4,
}
WIDTH_OF_HEADS = ("gpt2", "gpt_neox")  # families whose heads are as wide as the model over their number


def sorted_fields(fields: Mapping[str, Any]) -> Fields:
    """Fields as a configuration of a trial holds them: sorted by name, lists as tuples."""
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(fields.items()))


def shape_of(fields: Fields) -> Architecture:
    """The architecture that a configuration's fields describe."""
    return architecture({name: list(value) if isinstance(value, tuple) else value for name, value in fields})


def tiny(family: str, **changed: Field) -> Fields:
    """A model of a few thousand weights with 8 query heads on 4 layers, of a family that `transformers` builds."""
    latent = LATENT if family.startswith("deepseek") else {}
    head = {} if latent else {"head_dim": 8}
    return sorted_fields({"model_type": family, **PLAIN, **head, **latent, **changed})


def around_cache(source: str, *, most_weights: int = 200_000_000, **changed: Field) -> Fields:
    """A published configuration in which all is small but what its cache depends on, so that it can run anywhere.

    Query and key-value heads, their widths, latents and windows stay, and the first layers, as many as `most_weights`
    allow (all, for most models). The model's width stays where it is that of its heads.

    Args:
        source: a published model's name, or the path of a `config.json`.
        changed: fields that are to have other values.

    Raises:
        ConfigRefused: it cannot be counted, is no decoder alone, or has one layer of more than `most_weights`.
    """
    given = {**(published()[source].config if source in published() else _own(source)), **changed}
    whole = architecture(given, source)
    if not whole.causal or whole.encoder:
        raise ConfigRefused(f"{source} is no decoder alone, whose cache is measured here; give one")
    fields = {**{name: given[name] for name in DEPENDED_ON if name in given}, **SMALL}
    if whole.family not in WIDTH_OF_HEADS:
        attention = whole.layers[0].attention
        fields |= {"hidden_size": attention.heads}  # the least width that `transformers` accepts
        fields |= (
            {"q_lora_rank": fields.get("q_lora_rank") and 8} if attention.latent else {"head_dim": attention.key_width}
        )
    layers = "n_layer" if "n_layer" in fields else "num_hidden_layers"
    each = _weights(fields, layers, 2) - _weights(fields, layers, 1)
    if each > most_weights:
        raise ConfigRefused(f"one layer of {source} has {each:,} weights; at most {most_weights:,} are built here")
    number = min(fields[layers], most_weights // each)
    return sorted_fields(_with_layers(fields, layers, number))


def _own(source: str) -> Mapping[str, Any]:
    """The fields of a reader's file, of a family whose own fields say all that its cache depends on."""
    config = read_config(source)
    if config.family not in FAMILIES:
        raise ConfigRefused(
            f"{source} is of family {config.family}, which no formula counts; a cache is measured here for those that "
            f"one does, {', '.join(FAMILIES)}"
        )
    return completed(config).fields


def _weights(fields: Mapping[str, Any], layers: str, number: int) -> int:
    return count_parameters(architecture(_with_layers(fields, layers, number))).total


def _with_layers(fields: Mapping[str, Any], layers: str, number: int) -> dict[str, Any]:
    types = {"layer_types": fields["layer_types"][:number]} if fields.get("layer_types") else {}
    return {**fields, **types, layers: number}


def tokens_within(fields: Fields, most_bytes: float, most_tokens: int, *, batch: int = 1, bits: float = 16) -> int:
    """The number of tokens of each sequence that fit into a cache of `most_bytes`, from one to `most_tokens`."""
    shape = shape_of(fields)
    most = min(most_tokens, shape.positions or most_tokens)
    if not any(layer.attention.window is None for layer in shape.layers):
        return most
    return max(1, min(most, longest_context(shape, most_bytes, batch=batch, bits=bits)))
