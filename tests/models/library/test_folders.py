"""A folder that cannot be opened as what is asked for is refused by its files, with its name and what to do."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import KINDS, configuration, save
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForSequenceClassification, T5Config, T5Model

from repro.models.given import given_model
from repro.models.library.folders import describe, quiet

TINY = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 40, "num_hidden_layers": 1, "vocab_size": 40}


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


@pytest.fixture
def folder(tmp_path) -> Path:
    return Path(save(tmp_path / "mine", configuration("llama")))


def changed(folder: Path, **fields: Any) -> Path:
    """The folder with other fields in its config.json."""
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))
    return folder


def test_what_a_folder_holds_is_told_from_its_files(tmp_path):
    """Vocabulary and context stand under each family's own names; a state of all tokens cannot forget one."""
    told = {kind: describe(Path(save(tmp_path / kind, configuration(kind))), kind) for kind in ("gpt2", "mamba")}

    assert ("gpt2", 40, 64, True, ()) == tuple(vars(told["gpt2"]).values())
    assert ("mamba", 40, False) == (told["mamba"].family, told["mamba"].vocabulary, told["mamba"].forgets)


def _index(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    places = {"lm_head.weight": "model-00002-of-00002.safetensors", "x": "model-00001-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


def _cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "base/model"}')


def _bin(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _config(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_text(text)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_index, "mine lacks model-00002-of-00002.safetensors"),
        (_cut, "model.safetensors of mine is cut off: 100 bytes are missing"),
        (_adapter, "mine holds an adapter of base/model"),
        (_bin, "mine holds no model.safetensors, but pytorch_model.bin"),
        (
            lambda folder: (folder / "model.safetensors").write_text("version https://git-lfs"),
            "is cut off, or no safet",
        ),
        (lambda folder: (folder / "config.json").unlink(), "mine holds no config.json; expected what save_pretrained"),
        (_config("{"), "config.json of mine is no JSON"),
        (_config("[]"), "config.json of mine holds a list"),
        (_config('{"vocab_size": 30}'), "config.json of mine has model_type None"),
        (
            lambda folder: changed(folder, model_type="never-heard", auto_map={}),
            "is a 'never-heard', which transformers",
        ),
        (lambda folder: changed(folder, quantization_config={"quant_method": "awq"}), "mine is quantised .awq."),
        (lambda folder: changed(folder, vision_config={"hidden_size": 8}), "also reads images or sound"),
        (lambda folder: changed(folder, num_hidden_layers=3), "mine lacks 9 weights .* first model.layers.2"),
        (lambda folder: changed(folder, num_hidden_layers=10**9), "says 1,000,000,000 layers and the weights are"),
        (lambda folder: changed(folder, intermediate_size=48), "has shape .* and config.json asks for"),
        (lambda folder: changed(folder, hidden_size="wide"), "transformers refuses config.json of mine"),
        (lambda folder: changed(folder, attention_bias=True), "mine lacks 8 weights .*bias"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_a_folder_that_is_not_whole_is_refused_with_what_is_wrong(folder, spoil, said):
    spoil(folder)

    with pytest.raises((ValueError, FileNotFoundError), match=said):
        given_model(str(folder))


def test_a_configuration_without_its_sizes_allocates_nothing(folder):
    """Its class would fill in those of a model of seven billions, 27 GB, beside the tiny weights."""
    (folder / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2}')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ValueError, match=r"config\.json asks for"):
        given_model(str(folder))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kilobytes


def test_another_kind_of_model_is_refused_by_name(tmp_path):
    with quiet():
        BertModel(BertConfig(**TINY)).save_pretrained(tmp_path / "bert")
        T5Model(T5Config(d_model=32, d_ff=40, d_kv=8, num_heads=2, num_layers=1, vocab_size=40)).save_pretrained(
            tmp_path / "t5"
        )
        LlamaForSequenceClassification(LlamaConfig(**TINY, num_labels=1)).save_pretrained(tmp_path / "judge")

    for name, said in (
        ("bert", "bert is an encoder"),
        ("t5", "t5 is an encoder-decoder"),
        ("judge", "judge is a classifier"),
    ):
        with pytest.raises(ValueError, match=said):
            given_model(str(tmp_path / name))
    assert "judge" == given_model(str(tmp_path / "judge"), classifies=True).name


def test_a_model_that_writes_is_no_judge(folder):
    """`transformers` would draw the head of the classifier at random, and its rewards with it."""
    with pytest.raises(
        ValueError, match=r"mine lacks 1 weights .* first score.weight \(so what it says would be random"
    ):
        given_model(str(folder), classifies=True)


def test_tensors_without_a_place_are_told(tmp_path):
    """A Qwen 2 that calls itself a Llama loses its biases there, in transformers too."""
    folder = Path(save(tmp_path / "mine", configuration("qwen2")))

    assert () == describe(folder, "mine").unused
    assert 6 == len(describe(changed(folder, model_type="llama"), "mine").unused)


def test_every_kind_of_the_tests_is_whole(tmp_path):
    for kind in KINDS:
        assert KINDS[kind][0] == describe(Path(save(tmp_path / kind, configuration(kind))), kind).family


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(sorted({"model_type", "quantization_config", "rope_scaling", *vars(LlamaConfig())}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(FIELDS, JSON, min_size=1, max_size=3), st.binary(max_size=40), st.integers(0, 3))
def test_any_folder_is_opened_or_refused_in_a_sentence(tmp_path_factory, fields, noise, where):
    """Fields of any value in config.json, any bytes for it, for the weights or at their end."""
    folder = Path(save(tmp_path_factory.mktemp("any"), configuration("llama"), words=None))
    weights = folder / "model.safetensors"
    if where == 0:
        (folder / "config.json").write_bytes(noise)
    elif where == 1:
        weights.write_bytes(noise + weights.read_bytes()[len(noise) :])
    changed_fields = where > 1 and changed(folder, **fields)

    try:
        told = describe(folder, "any")
    except (ValueError, FileNotFoundError) as error:
        assert "any" in str(error) and "\n" not in str(error) and 700 > len(str(error))
    else:
        assert told.vocabulary > 0 or changed_fields
        assert torch.get_default_dtype() is torch.float32
