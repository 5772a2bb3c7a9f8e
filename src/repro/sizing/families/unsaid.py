"""What published files leave unsaid: defaults of a family's class, and the head that `architectures` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from repro.sizing.models.architecture import Architecture
from repro.sizing.models.config import Config, ConfigRefused, shown
from repro.sizing.models.matrices import Matrix

# Of the configuration classes of transformers 5, for fields that published files of these families leave out.
_GEMMA3 = {
    "vocab_size": 262_208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "sliding_window": 4096,
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "gemma": {"head_dim": 256},
        "gemma2": {"head_dim": 256, "num_key_value_heads": 4, "sliding_window": 4096},
        "gemma3_text": _GEMMA3,
        "mistral": {"num_key_value_heads": 8, "sliding_window": 4096},
        "mixtral": {"num_key_value_heads": 8},
        "qwen3": {"head_dim": 128},
        "qwen3_moe": {"num_key_value_heads": 4},
    }
)


# Other names of a field, which a class takes or writes.
_T5 = {"hidden_size": "d_model", "num_attention_heads": "num_heads", "num_hidden_layers": "num_layers"}
ALIASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "deepseek_v2": {"num_experts": "n_routed_experts"},
        "deepseek_v3": {"num_local_experts": "n_routed_experts"},
        "gpt2": {
            "hidden_size": "n_embd",
            "max_position_embeddings": "n_positions",
            "num_attention_heads": "n_head",
            "num_hidden_layers": "n_layer",
        },
        "mixtral": {"num_experts": "num_local_experts"},
        "mt5": {**_T5, "head_dim": "d_kv"},
        "qwen3_moe": {"num_local_experts": "num_experts"},
        "t5": {**_T5, "head_dim": "d_kv"},
    }
)


def completed(config: Config) -> Config:
    """The configuration by its family's own names, with its class's defaults for what it leaves out; null stays null.

    Raises:
        ConfigRefused: a field stands under two names with two values.
    """
    given = dict(config.fields)
    for other, name in ALIASES.get(config.family, {}).items():
        if other in given and given.setdefault(name, given[other]) != given[other]:
            raise ConfigRefused(
                f"{config.name}: {name} is {shown(given[name])} and {other}, its other name, {shown(given[other])}"
            )
    return Config({**DEFAULTS.get(config.family, {}), **given}, config.name)


def with_named_head(model: Architecture, config: Config) -> Architecture:
    """The model with the head that `architectures` names: none on a bare decoder, or a map to labels."""
    named = config.fields.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    if not model.causal or model.encoder:
        return model
    if name.endswith("Model") and not name.endswith(("HeadModel", "HeadsModel")):
        return replace(model, head=None, tied=False)
    if name.endswith(("ForSequenceClassification", "ForTokenClassification")):
        labels = Matrix("head", model.width, _labels(config), bias="Token" in name)
        return replace(model, head=labels, tied=False)
    return model


def _labels(config: Config) -> int:
    named = config.fields.get("id2label")
    return len(named) if isinstance(named, Mapping) and named else config.count("num_labels", 2)
