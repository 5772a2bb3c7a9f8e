"""Models that no formula counts: what is read off a built one, against formulas where both can tell."""

from __future__ import annotations

import sys

import pytest
from built_models import TINY

from repro.sizing.built.read import read_built
from repro.sizing.families import FAMILIES, architecture
from repro.sizing.families.unsaid import DEFAULTS
from repro.sizing.memory.activations import activation_bytes
from repro.sizing.memory.cache import cache_bytes, cached_numbers
from repro.sizing.models.config import Config, ConfigRefused
from repro.sizing.models.parameters import count_parameters
from repro.sizing.operations.flops import forward_flops

SMALL = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 96}
GROUPED = {**SMALL, "intermediate_size": 128, "num_key_value_heads": 2, "head_dim": 16}
KEYS = 2 * 2 * 16  # numbers that a layer of GROUPED keeps of a token
VISION = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}


def test_a_built_decoder_is_read_as_the_formulas_count_it(subtests):
    """Parameters by kind, cache, operations and activations, for every decoder whose formula is known."""
    for name, fields in TINY.items():
        if fields["model_type"] in ("bert", "t5", "mt5"):
            continue  # kinds of their own: a pooler, relative biases
        counted, built = architecture(fields, name), read_built(Config(fields, name))
        with subtests.test(model=name):
            assert count_parameters(counted) == count_parameters(built)
            assert cached_numbers(counted) == cached_numbers(built)
            assert forward_flops(counted, 16) == forward_flops(built, 16)
            for recompute in ("none", "selective", "full"):
                kept = activation_bytes(counted, 16, recompute=recompute)
                assert kept == activation_bytes(built, 16, recompute=recompute)


def test_a_nested_file_gives_the_language_model_alone_and_names_what_is_beside_it():
    nested = {"model_type": "gemma3", "text_config": {**GROUPED, "model_type": "gemma3_text"}, "vision_config": VISION}
    alone = count_parameters(architecture({**GROUPED, "model_type": "gemma3_text"}))
    whole = architecture(nested)

    assert alone.total == count_parameters(whole).language
    assert {"vision_tower", "multi_modal_projector"} == {name for name, _ in whole.beside}
    assert 4 * KEYS == sum(layer.attention.cached_width for layer in whole.layers)


def test_layers_without_attention_keep_a_state_that_no_token_adds_to():
    """Mamba 2 keeps heads x width x state, and the last inputs of its convolution (Dao & Gu 2024, section 7)."""
    shape = {"num_heads": 8, "head_dim": 16, "state_size": 32, "expand": 2, "n_groups": 1, "conv_kernel": 4}
    model = architecture({"model_type": "mamba2", **SMALL, **shape})
    state = 4 * (8 * 16 * 32 + (8 * 16 + 2 * 32) * 4)

    assert (0, state) == (cached_numbers(model).full, cached_numbers(model).state)
    assert cache_bytes(model, 10) == cache_bytes(model, 10_000) == 2 * state


def test_a_hybrid_keeps_tokens_in_some_layers_and_a_state_in_others():
    kinds = ["conv", "full_attention", "conv", "conv"]
    model = architecture({"model_type": "lfm2", **GROUPED, "layer_types": kinds, "conv_L_cache": 3})

    assert [0, KEYS, 0, 0] == [layer.attention.cached_width for layer in model.layers]
    assert [3 * 64, 0, 3 * 64, 3 * 64] == [layer.state for layer in model.layers]


def test_interleaved_windows_are_those_of_the_file():
    model = architecture(
        {
            "model_type": "cohere2",
            **GROUPED,
            "sliding_window": 16,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        }
    )

    assert [16, None, 16, None] == [layer.attention.window for layer in model.layers]
    assert 4 * KEYS * 16 + 2 * KEYS * 84 == cache_bytes(model, 100, bits=8)


def test_a_token_uses_its_own_experts_and_the_shared_ones():
    """Qwen 2's mixtures: 2 of 8 routed experts, one shared with its gate, a router in each layer."""
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
    model = architecture({"model_type": "qwen2_moe", **GROUPED, **experts, "shared_expert_intermediate_size": 40})
    count = count_parameters(model)
    one = 3 * 64 * 24

    assert 4 * (8 * one + 3 * 64 * 40 + 64) == count.experts
    assert 4 * 6 * one == count.total - count.active
    assert 4 * 8 * 64 == count.router


def test_a_built_decoder_shares_its_heads_as_a_counted_one(subtests):
    """Projections apart and fused; without heads there is nothing to share."""
    for name in ("llama with biases", "phi3", "gpt2", "gemma3_text"):
        counted, built = architecture(TINY[name]), read_built(Config(TINY[name], name))
        for heads in (6, 3, 1):
            with subtests.test(model=name, heads=heads):
                one, other = counted.with_kv_heads(heads), built.with_kv_heads(heads)
                assert cached_numbers(one) == cached_numbers(other)
                assert count_parameters(one) == count_parameters(other)
    with pytest.raises(ValueError, match="do not share 4 keys and values"):
        built.with_kv_heads(4)
    with pytest.raises(ValueError, match="no layer of rwkv looks back at other tokens"):
        architecture({"model_type": "rwkv", **SMALL, "attention_hidden_size": 64}, "rwkv").heads  # noqa: B018


def test_a_shape_that_a_known_familys_formula_leaves_out_is_built():
    """Qwen 3's mixtures with experts in every second layer alone."""
    fields = {**TINY["qwen3_moe"], "decoder_sparse_step": 2}
    layers = architecture(fields).layers

    assert {True, False} == {any(m.name == "router" for m in layer.matrices) for layer in layers}


def test_defaults_that_files_leave_out_are_those_of_the_class():
    transformers = pytest.importorskip("transformers")
    for family, fields in DEFAULTS.items():
        built = transformers.CONFIG_MAPPING[family]()
        assert fields == {name: getattr(built, name) for name in fields}
    assert set(DEFAULTS) <= set(FAMILIES)


def test_a_model_without_a_head_or_with_one_for_labels_has_no_table_to_the_vocabulary():
    full, bare, reward = (
        count_parameters(architecture({**TINY["llama"], "architectures": [name], "num_labels": 1}))
        for name in ("LlamaForCausalLM", "LlamaModel", "LlamaForSequenceClassification")
    )

    assert (full.total - full.head, 0) == (bare.total, bare.head)
    assert TINY["llama"]["hidden_size"] == reward.head == reward.total - bare.total


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "olmo2", "num_hidden_layers": 10**9}, "num_hidden_layers is 1,000,000,000; expected at most"),
        ({"model_type": "olmo2", "hidden_size": "wide"}, "transformers .* refuses this olmo2 configuration"),
        ({"model_type": "sky9"}, "known neither to this project nor to transformers"),
        ({"model_type": "sky9", "architectures": ["Trainer"]}, "known neither to this project nor to transformers"),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_is_allocated(fields, message):
    with pytest.raises(ConfigRefused, match=message):
        architecture(fields)


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigRefused, match=r"model_type 'olmo2' is not counted by formula.*pip install"):
        architecture({"model_type": "olmo2", **GROUPED})
