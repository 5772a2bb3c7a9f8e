"""Our decoder stands in for a model of transformers only where it has the same logits, field by field."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from tiny_models import KINDS, OURS, configuration, opened, save, some_tokens
from transformers import LlamaConfig, PretrainedConfig

from repro.models.llama import from_llama, shape_of, unlike_ours

SCALED = {"rope_theta": 10_000.0, "factor": 4.0}
BANDS = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
# Another value of every field that LlamaConfig declares.
OTHER: dict[str, list[Any]] = {
    "vocab_size": [48],
    "hidden_size": [48],
    "intermediate_size": [56],
    "num_hidden_layers": [1, 3],
    "num_attention_heads": [2, 8],
    "num_key_value_heads": [None, 1, 4],
    "hidden_act": ["gelu", "relu", "swish"],
    "max_position_embeddings": [24],
    "initializer_range": [0.1],
    "rms_norm_eps": [1e-6, 0.1],
    "use_cache": [False],
    "pad_token_id": [3],
    "bos_token_id": [1],
    "eos_token_id": [2, [2, 3]],
    "pretraining_tp": [2],
    "tie_word_embeddings": [True],
    "rope_parameters": [
        {"rope_type": "default", "rope_theta": 500.0},
        {"rope_type": "linear", **SCALED},
        {"rope_type": "dynamic", **SCALED},
        {"rope_type": "yarn", **SCALED, "original_max_position_embeddings": 16},
        {"rope_type": "llama3", **SCALED, **BANDS},
    ],
    "attention_bias": [True],
    "attention_dropout": [0.5],
    "mlp_bias": [True],
    "head_dim": [4, 16],
}
# Fields that the class does not declare, and that transformers reads all the same.
BESIDE = {"is_causal": [False], "sliding_window": [4], "partial_rotary_factor": [0.5], "rope_theta": [700.0]}
CASES = [(name, value) for name, values in {**OTHER, **BESIDE}.items() for value in values]


def test_every_field_of_a_llama_is_planted_below():
    """A field that a later transformers adds is neither represented nor known to be silent until somebody looks."""
    declared = {part.name for part in fields(LlamaConfig)} - {part.name for part in fields(PretrainedConfig)}

    assert set(OTHER) == declared


@pytest.mark.parametrize(("name", "value"), CASES, ids=str)
def test_a_changed_field_is_represented_or_told(tmp_path, name, value):
    """Biases and norms are drawn too, so that a part that is dropped would be seen."""
    config = configuration("llama", **{name: value})
    library = opened(save(tmp_path, config))
    with torch.no_grad():
        for part in library.parameters():
            part.normal_(std=0.3)

    if unlike_ours(config):
        with pytest.raises(ValueError, match="which our decoder does not"):
            shape_of(config)
    else:
        with torch.no_grad():
            tokens_BT = some_tokens(24)
            torch.testing.assert_close(library(tokens_BT).logits, from_llama(library)(tokens_BT), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "told",
    [
        {"hidden_act": "relu"},
        {"rms_norm_eps": 1e-6},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"head_dim": 16},
        {"sliding_window": 4},
        {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
    ],
    ids=str,
)
def test_what_is_told_is_the_field_s_own_name(told):
    [unlike] = unlike_ours(configuration("llama", **told))

    assert next(iter(told)).replace("rope_scaling", "rope_parameters") in unlike


def test_families_of_other_code_are_told_whatever_their_fields():
    assert [*OURS] == [kind for kind in KINDS if not unlike_ours(configuration(kind))]


def test_a_mistral_without_a_window_is_ours(tmp_path):
    library = opened(save(tmp_path, configuration("mistral without a window")))

    with torch.no_grad():
        tokens_BT = some_tokens(24)
        torch.testing.assert_close(library(tokens_BT).logits, from_llama(library)(tokens_BT), rtol=1e-4, atol=1e-4)


def test_an_output_matrix_of_its_own_is_kept_where_the_configuration_calls_it_tied(tmp_path):
    """transformers ties two matrices only where the file holds one of them, or two that agree."""
    saved = opened(save(tmp_path, configuration("llama")))
    saved.config.tie_word_embeddings = True
    saved.config.save_pretrained(tmp_path)
    library = opened(str(tmp_path))

    with torch.no_grad():
        tokens_BT = some_tokens(24)
        torch.testing.assert_close(library(tokens_BT).logits, from_llama(library)(tokens_BT), rtol=1e-4, atol=1e-4)
