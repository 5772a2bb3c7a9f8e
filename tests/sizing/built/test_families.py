"""Families of every kind, their files as `transformers` writes them, against the models that it builds and runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_MAPPING, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
)

from repro.sizing.families import architecture
from repro.sizing.memory.cache import cached_numbers
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.config import ConfigRefused
from repro.sizing.models.parameters import count_parameters

ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SMALL = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 96, **ENDS}
GATED = {**SMALL, "intermediate_size": 80, "num_key_value_heads": 2}
WIDE = {**GATED, "head_dim": 16}
MIXED = {**WIDE, "moe_intermediate_size": 24, "num_experts": 4, "num_experts_per_tok": 2}
SEEN = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
ENCODED = {"d_model": 64, "encoder_layers": 2, "decoder_layers": 2, "vocab_size": 96, "pad_token_id": 0}
WRITTEN: dict[str, dict[str, Any]] = {
    "cohere2": {**GATED, "sliding_window": 16},
    "falcon": SMALL,
    "falcon_h1": {**WIDE, "mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8},
    "gptj": {"n_embd": 64, "n_head": 4, "n_layer": 2, "rotary_dim": 8, "vocab_size": 96},
    "lfm2": {**GATED, "layer_types": ["conv", "full_attention", "conv", "conv"]},
    "mamba2": {**SMALL, "num_heads": 8, "head_dim": 16, "state_size": 8, "n_groups": 1},
    "modernbert-decoder": {**SMALL, "intermediate_size": 80, "local_attention": 8},
    "nllb-moe": {**ENCODED, "num_experts": 4},
    "opt": {**SMALL, "ffn_dim": 80, "word_embed_proj_dim": 32},
    "qwen2_moe": {**MIXED, "shared_expert_intermediate_size": 40},
    "qwen3_moe": MIXED,
    "qwen3_next": {**MIXED, "linear_num_value_heads": 4, "linear_num_key_heads": 2},
    "bart": ENCODED,
    "electra": {**SMALL, "embedding_size": 24, "intermediate_size": 80},
    "gemma3": {"text_config": {**WIDE, "sliding_window": 8}, "vision_config": SEEN},
    "qwen2_5_vl": {
        "text_config": {**GATED, "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3]}},
        "vision_config": {"depth": 1, "hidden_size": 32, "num_heads": 2, "out_hidden_size": 64},
    },
}


@pytest.fixture(params=sorted(WRITTEN))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_file_that_transformers_writes_gives_the_model_that_it_builds(family: str, tmp_path: Path):
    """Every parameter, and every number that a real pass leaves in the cache."""
    made = CONFIG_MAPPING[family](**WRITTEN[family])
    made.to_json_file(tmp_path / "config.json")
    read = architecture(tmp_path)
    built = _class_of(made)(made).eval()

    assert sum(parameter.numel() for parameter in built.parameters()) == count_parameters(read).total
    for tokens in (1, 3) if read.causal else ():
        assert _kept(built, tokens) == cached_numbers(read).numbers(tokens)


def _class_of(made: PretrainedConfig) -> type[PreTrainedModel]:
    for mapping in (MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING):
        if type(made) in mapping:
            return mapping[type(made)]
    return (MODEL_MAPPING if made.model_type == "electra" else MODEL_FOR_CAUSAL_LM_MAPPING)[type(made)]


def _kept(model: PreTrainedModel, tokens: int) -> int:
    """Floating-point numbers in the decoder's own cache after a pass."""
    read = torch.ones(1, tokens, dtype=torch.long)
    asked = {"decoder_input_ids": read} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        output = model(input_ids=read, use_cache=True, **asked)
    cache = getattr(output, "past_key_values", None) or output.cache_params
    cache = getattr(cache, "self_attention_cache", cache)
    return sum(_numel(value) for layer in cache.layers for value in vars(layer).values())


def _numel(value: object) -> int:
    if isinstance(value, dict | list):
        return sum(_numel(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return value.numel() if isinstance(value, torch.Tensor) and value.dim() > 1 and value.is_floating_point() else 0


def test_a_cache_that_nobody_can_read_is_no_part_of_the_sizes_and_said_so():
    """GPT-1 keeps none in transformers, though its layers look back."""
    model: Architecture = architecture({"model_type": "openai-gpt", "n_embd": 64, "n_head": 4, "n_layer": 2})

    assert "it gives no cache back" == model.uncached
    with pytest.raises(ValueError, match="what it keeps of a token is not known, since it gives no cache back"):
        cached_numbers(model)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"model_type": "albert", **SMALL},
            r"with [\d,]+ parameters is built, but .*num_hidden_layers is 4: what a token",
        ),
        ({"model_type": "llama4"}, "transformers .* refuses this llama4 configuration"),
        (
            {"model_type": "mixtral", **GATED, "num_local_experts": 2, "num_experts": 4},
            "num_experts, its other name, 4",
        ),
    ],
)
def test_what_is_no_stack_of_layers_is_refused_with_its_number_of_parameters(fields: dict[str, Any], message: str):
    with pytest.raises(ConfigRefused, match=message):
        architecture(fields, "FILE")
