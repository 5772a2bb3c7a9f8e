"""What published files leave unsaid: defaults of a family's class, and the head that `architectures` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from repro.sizing.models.architecture import Architecture
from repro.sizing.models.config import Config
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


def completed(config: Config) -> Config:
    """The configuration with its class's defaults for fields that it does not have; null stays null."""
    return Config({**DEFAULTS.get(config.family, {}), **config.fields}, config.name)


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
