"""Bits a weight: constants included, against the papers' and llama.cpp's figures."""

import pytest

from repro.sizing.memory.precision import (
    FORMATS,
    gguf_bits,
    group_bits,
    layer_weights,
    nf4_bits,
    stored_bytes,
    weight_bytes,
    weight_format,
)
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published_model


def test_a_7b_model_takes_28_14_7_and_3_5_gb():
    """Nominal weights at 32, 16, 8 and 4 bits."""
    assert [28e9, 14e9, 7e9, 3.5e9] == [weight_bytes(7e9, bits) for bits in (32, 16, 8, 4)]


def test_double_quantisation_saves_0_373_bits_a_weight():
    """Dettmers et al. 2023, section 3: from 0.5 to 0.127 bits."""
    assert 4.5 == nf4_bits(double=False)
    assert 0.373 == pytest.approx(nf4_bits(double=False) - nf4_bits(), abs=5e-4)


def test_groups_spread_their_constants():
    """A 16-bit scale and zero point over 128 weights is a quarter of a bit."""
    assert 4.25 == group_bits(4, 128, zero=16)
    assert 8.5 == group_bits(8, 32) == gguf_bits("q8_0")


@pytest.mark.parametrize(("block", "bits"), [("q2_k", 2.625), ("q4_k", 4.5), ("q6_k", 6.5625), ("mxfp4", 4.25)])
def test_gguf_blocks_have_the_bits_of_their_layout(block, bits):
    """Bytes of a block over its weights."""
    assert bits == gguf_bits(block)


def test_a_gguf_file_is_no_smaller_than_its_narrowest_block():
    """Mixtures only add wider blocks."""
    for name in ("q2_k", "q3_k_m", "q4_k_m", "q5_k_m"):
        assert gguf_bits(name.removesuffix("_m")) < FORMATS[name].bits


@pytest.mark.parametrize("name", ["llama-2-7b", "gpt2", "mixtral-8x7b", "deepseek-v3", "t5-base"])
def test_quantising_leaves_tables_norms_biases_and_routers(name):
    """What is not a matrix of a layer stays in 16 bits, so no file is as small as its bits say."""
    model = published_model(name)
    count, form = count_parameters(model), weight_format("nf4")
    kept = count.total - layer_weights(model)

    assert count.embedding + count.head + count.positions + count.norms + count.router <= kept
    assert (count.total - kept) * form.bits / 8 + 2 * kept == stored_bytes(model, form)
    assert count.total * 2 == stored_bytes(model, weight_format("bf16"))


def test_an_int4_file_of_llama_2_7b_takes_3_9_gb():
    """0.26 B parameters of the vocabulary stay in 16 bits."""
    assert 3.97e9 == pytest.approx(stored_bytes(published_model("llama-2-7b"), weight_format("int4")), rel=0.01)


def test_an_unknown_format_is_named():
    """The message lists what there is."""
    with pytest.raises(ValueError, match="no format is named 'int5'; known are fp32, fp16, bf16"):
        weight_format("int5")
    with pytest.raises(ValueError, match="no GGUF block is named 'q9'; known are q2_k"):
        gguf_bits("q9")
