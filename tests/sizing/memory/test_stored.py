"""The bits that a file's own quantization_config takes, its constants included, and what it leaves in 16 bits."""

from __future__ import annotations

import pytest
from built_models import TINY

from repro.sizing.families import architecture
from repro.sizing.memory.precision import layer_weights, quantised_weights, stored_bytes
from repro.sizing.memory.spared import unread_modules
from repro.sizing.memory.stored import FormatUnread, stored_format

BYTES = {"0": {"weights": {"num_bits": 4, "group_size": 16, "type": "float", "symmetric": True}}}
ONE_VECTOR = {"in_features": 4096, "out_features": 4096, "group_num": 1, "vector_lens": [-1, 8], "outlier_size": 0}


@pytest.mark.parametrize(
    ("stated", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 4 + 16 / 128 + 4 / 128),
        ({"quant_method": "awq", "w_bit": 4, "q_group_size": 64}, 4 + 20 / 64),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8),
        ({"quant_method": "auto-round", "bits": 3, "group_size": 64}, 3 + 19 / 64),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 128**2),
        ({"quant_method": "finegrained_fp8"}, 8),
        ({"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0}, 8),
        ({"quant_method": "fp8", "dequantize": True}, 16),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, 4.5),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}, 4.127),
        ({"load_in_8bit": True, "load_in_4bit": False}, 8),
        ({"quant_method": "mxfp4"}, 4.25),
        ({"quant_method": "nvfp4"}, 4.5),
        ({"quant_method": "compressed-tensors", "config_groups": BYTES}, 4.5),
        ({"quant_method": "compressed-tensors", "config_groups": {"0": {"weights": {"num_bits": 8}}}}, 8),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"0": {"weights": {"num_bits": 4, "group_size": 32, "symmetric": False}}},
            },
            4 + 20 / 32,
        ),
        ({"quant_method": "compressed-tensors", "config_groups": {"0": {"weights": None}}}, 16),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}}, 4.5),
        ({"quant_method": "quanto", "weights": "int4"}, 4.25),
        ({"quant_method": "quanto", "weights": "float8"}, 8),
        ({"quant_method": "eetq", "weights": "int8"}, 8),
        ({"quant_method": "higgs", "bits": 4, "p": 2, "group_size": 256}, 4 + 16 / 256),
        ({"quant_method": "torchao", "quant_type": "int4_weight_only", "quant_type_kwargs": {"group_size": 64}}, 4.5),
        (
            {
                "quant_method": "torchao",
                "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 32}}},
            },
            5,
        ),
        ({"quant_method": "torchao", "quant_type": {"default": {"_type": "Float8WeightOnlyConfig"}}}, 8),
        ({"quant_method": "bitnet", "linear_class": "bitlinear"}, 2),
        ({"quant_method": "bitnet", "linear_class": "autobitlinear"}, 16),
        (
            {
                "quant_method": "vptq",
                "config_for_layers": {
                    "model.layers.0.mlp.up_proj": {
                        **ONE_VECTOR,
                        "num_centroids": [-1, 65536],
                        "num_res_centroids": [-1, 256],
                    }
                },
            },
            16 / 8 + 8 / 8 + (65_536 + 256) * 8 * 16 / 4096**2,
        ),
    ],
)
def test_a_files_own_format_has_its_constants(stated, bits):
    """Those of each method that `transformers` documents, where the file states what they follow from."""
    found = stored_format({"quantization_config": stated})

    assert found is not None and bits == pytest.approx(found.bits, abs=1e-4)


def test_codebooks_are_as_large_as_they_are_whatever_the_matrix():
    """AQLM 1x16: two bits per weight, and 2^16 entries of 8 half-precision numbers for each of 3 x 7 matrices."""
    stated = {"in_group_size": 8, "out_group_size": 1, "num_codebooks": 1, "nbits_per_codebook": 16}
    model = architecture(TINY["llama"])
    form = stored_format({"quantization_config": {"quant_method": "aqlm", **stated}})
    assert form is not None

    plain = stored_bytes(model, stored_format({"quantization_config": {"quant_method": "bitnet"}}))
    assert plain + 21 * 2**16 * 8 * 2 == pytest.approx(stored_bytes(model, form))


def test_a_text_models_own_and_the_older_name_are_read():
    stated = {"quant_method": "fp8"}

    assert stored_format({"text_config": {"quantization_config": stated}}) == stored_format(
        {"compression_config": stated}
    )


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("lm_head", 0),
        ("self_attn", 1),
        ("model.layers.*.self_attn", 1),
        ("re:.*self_attn.*", 1),
        ("model.layers.0.self_attn", 1 / 3),
        ("re:.*layers\\.2\\.self_attn.*", 1 / 3),
    ],
)
def test_modules_that_stay_in_16_bits_are_counted_so(name, share):
    """By name, path, star or simple expression; each method has its own word for the list."""
    model = architecture(TINY["llama"])
    attention = sum(m.inputs * m.outputs for layer in model.layers for m in layer.attention.matrices)
    form = stored_format({"quantization_config": {"quant_method": "fp8", "modules_to_not_convert": [name]}})
    assert form is not None

    assert layer_weights(model) - share * attention == quantised_weights(model, form)
    assert [] == unread_modules(model, form.spared)


def test_a_module_that_nothing_fits_is_named_and_no_expression_is_run():
    """A hostile one takes hours."""
    names = ("re:(x+x+)+y", "model.layers.7.mlp", "mlp.experts", "model.embed_tokens", "visual", "mlp.down_proj")

    assert list(names[:3]) == unread_modules(architecture(TINY["llama"]), names)


@pytest.mark.parametrize(
    "stated",
    [
        {"quant_method": "spqr", "bits": 3, "beta1": 16},
        {"quant_method": "quark"},
        {"quant_method": "awq"},
        {"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"-:.*attn.*": {}}},
        {"quant_method": "hqq", "quant_config": {"self_attn.q_proj": {"nbits": 4}}},
        {"quant_method": "fp8", "expert_dtype": "fp4"},
        {"quant_method": ["awq"]},
        "4 bits",
    ],
)
def test_what_is_not_read_is_not_passed_over(stated):
    """The share of outliers in SpQR, bits that differ by module: the file does not state them."""
    with pytest.raises(FormatUnread, match="is not read"):
        stored_format({"quantization_config": stated})


def test_a_file_without_one_says_nothing():
    assert stored_format({}) is None
    assert stored_format({"quantization_config": None}) is None
