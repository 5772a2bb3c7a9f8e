"""The bits that a file's own quantization_config takes, its constants included."""

from __future__ import annotations

import pytest

from repro.sizing.memory.stored import stored_format


@pytest.mark.parametrize(
    ("stated", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 4 + 16 / 128 + 4 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 128**2),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, 4.5),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}, 4.127),
        ({"quant_method": "mxfp4"}, 4.25),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"0": {"weights": {"num_bits": 4, "group_size": 32}}},
            },
            4.5,
        ),
    ],
)
def test_a_files_own_format_has_its_constants(stated, bits):
    found = stored_format({"quantization_config": stated})

    assert found is not None and bits == pytest.approx(found.bits, abs=1e-4)


def test_a_file_without_one_says_nothing_and_an_unread_one_is_not_passed_over():
    assert stored_format({}) is None
    with pytest.raises(ValueError, match="method 'hqq' is not read; name the format"):
        stored_format({"quantization_config": {"quant_method": "hqq", "bits": 4}})
