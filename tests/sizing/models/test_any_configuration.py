"""Whatever a configuration holds, reading it gives sizes or one sentence: no other exception, and no memory."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from built_models import TINY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.sizing.families import architecture
from repro.sizing.memory.precision import weight_format
from repro.sizing.memory.spared import unread_modules
from repro.sizing.memory.stored import FormatUnread, stored_format
from repro.sizing.models.config import ConfigRefused, read_config
from repro.sizing.report import Use, sizes

EXAMPLES = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 96, "intermediate_size": 48}
BUILT = {  # by `transformers`: dense, nested, a mixture, a hybrid, recurrent, an encoder, encoder and decoder
    "olmo2": {"model_type": "olmo2", **SHAPE},
    "gemma3": {"model_type": "gemma3", "text_config": {**SHAPE, "head_dim": 8}, "vision_config": SHAPE},
    "qwen2_moe": {"model_type": "qwen2_moe", **SHAPE, "num_experts": 4, "num_experts_per_tok": 2},
    "lfm2": {"model_type": "lfm2", **SHAPE, "layer_types": ["conv", "full_attention"]},
    "mamba2": {"model_type": "mamba2", **SHAPE, "num_heads": 4, "head_dim": 16, "state_size": 8, "n_groups": 1},
    "roberta": {"model_type": "roberta", **SHAPE},
    "bart": {"model_type": "bart", "d_model": 32, "vocab_size": 96, "encoder_layers": 1, "decoder_layers": 1},
}
NUMBERS = st.one_of(
    st.integers(-3, 9),
    st.sampled_from([10**6, 10**9, 10**12, 10**15, 2**63, 10**400, -(10**9)]),
    st.floats(),
)
TEXTS = st.one_of(
    st.text(max_size=6), st.sampled_from(["4096", "1e9", "70B", "null", "full_attention", "llama", "\ud800"])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
QUANTISED = st.fixed_dictionaries(
    {"quant_method": st.sampled_from(["awq", "aqlm", "vptq", "hqq", "torchao", "compressed-tensors", "fp8", "sky9"])},
    optional={
        "bits": NUMBERS,
        "group_size": NUMBERS,
        "config_groups": st.dictionaries(TEXTS, st.fixed_dictionaries({"weights": JSON}), max_size=2),
        "config_for_layers": st.dictionaries(TEXTS, JSON, max_size=2),
        "quant_type": JSON,
        "weight_block_size": st.lists(NUMBERS, max_size=2),
        "ignore": st.lists(
            st.one_of(TEXTS, st.sampled_from(["re:(a+)+$", "re:(.*)*q", "model.layers.*.mlp"])), max_size=3
        ),
        **dict.fromkeys(("in_group_size", "out_group_size", "num_codebooks", "nbits_per_codebook"), NUMBERS),
    },
)


def _read(source, name=None):
    """What the command does with a file: its sizes, or the one sentence that says why not."""
    try:
        model = architecture(source, name)
        try:
            form = stored_format(read_config(source, name).fields) or weight_format("bf16")
        except FormatUnread as error:
            form = weight_format("bf16")
            assert _is_sentence(error)
        found = sizes(model, Use(context=64, batch=1, form=form, cache_bits=16, rank=2))
    except ConfigRefused as error:
        assert _is_sentence(error)
        return
    unread_modules(model, form.spared)
    json.dumps(found.plain(), allow_nan=False)


def _is_sentence(error):
    return 0 < len(str(error)) < 1_000 and len(str(error).splitlines()) == 1


@EXAMPLES
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"{", b'{"model_type": "llama", ', b"\x80\x04", b"["]),
)
def test_any_bytes(tmp_path, rest, magic):
    path = tmp_path / "config.json"
    path.write_bytes(magic + rest)
    _read(path)


@EXAMPLES
@given(JSON, st.sampled_from([*TINY, *BUILT]))
def test_any_json(tmp_path, anything, family):
    """As a whole file, and as the fields of a family."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(anything))
    _read(path)
    if isinstance(anything, dict) and family in TINY:
        _read({**anything, "model_type": TINY[family]["model_type"]}, "FILE")


@settings(EXAMPLES, max_examples=300)
@given(st.data(), st.sampled_from(sorted(TINY)), JSON)
def test_any_field_of_a_family_that_is_counted_by_formula(data, family, anything):
    field = data.draw(st.sampled_from([*TINY[family], "layer_types", "architectures", "id2label", "head_dim"]))
    _read({**TINY[family], field: anything}, "FILE")


@EXAMPLES
@given(st.data(), st.sampled_from(sorted(BUILT)), JSON)
def test_any_field_of_a_family_that_is_built(data, family, anything):
    field = data.draw(
        st.sampled_from([*BUILT[family], "layer_types", "architectures", "rope_parameters", "num_labels"])
    )
    _read({**BUILT[family], field: anything}, "FILE")


@settings(EXAMPLES, max_examples=200)
@given(st.one_of(QUANTISED, JSON))
def test_any_quantisation(stated):
    _read({**TINY["llama"], "quantization_config": stated}, "FILE")


@pytest.mark.parametrize("field", ["vocab_size", "num_hidden_layers", "num_experts", "num_labels", "hidden_size"])
@pytest.mark.parametrize("family", ["qwen2_moe", "llama"])
def test_a_number_that_no_model_has_takes_no_memory(family, field):
    tracemalloc.start()
    _read({**{**BUILT, **TINY}[family], field: 10**12}, "FILE")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2**26


def test_weights_a_folder_without_a_file_and_a_deep_nest_are_refused(tmp_path):
    weights, deep = tmp_path / "model.safetensors", tmp_path / "deep.json"
    with weights.open("wb") as file:
        file.truncate(2**26)
    deep.write_text("[" * 100_000)

    refused = {weights: "67,108,864 bytes, as weights have", tmp_path: "cannot be read", deep: "no JSON"}
    for source, message in refused.items():
        with pytest.raises(ConfigRefused, match=message):
            architecture(source)
