"""Reading a config.json: files, folders and names; what cannot be counted is refused with its reason."""

import json

import pytest
from built_models import TINY

from repro.sizing.families import architecture
from repro.sizing.models.config import ConfigRefused
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import find_mixture, find_model, find_models, published, published_model


def test_a_file_a_folder_and_a_name_give_the_same_model(tmp_path):
    """However it is found, it is counted alike."""
    (tmp_path / "config.json").write_text(json.dumps(published()["llama-2-70b"].config))
    named = count_parameters(published_model("llama-2-70b"))

    assert named == count_parameters(find_model(str(tmp_path / "config.json")))
    assert named == count_parameters(find_model(str(tmp_path)))
    assert named == count_parameters(find_model("llama-2-70b"))


def test_models_beside_one_another_go_by_the_names_that_are_shown(tmp_path):
    """A file by its own, a config.json with the folder that it lies in; each is counted as alone."""
    (tmp_path / "mine.json").write_text(json.dumps(TINY["llama"]))
    (tmp_path / "config.json").write_text(json.dumps(TINY["gemma"]))
    models = find_models(["gpt2", str(tmp_path / "mine.json"), str(tmp_path), "gpt2"])

    assert ["gpt2", "mine.json", f"{tmp_path.name}/config.json"] == list(models)
    assert count_parameters(architecture(TINY["llama"])) == count_parameters(models["mine.json"])


def test_a_page_of_mixtures_refuses_a_dense_model():
    with pytest.raises(ConfigRefused, match="gpt2 has no experts; give a mixture"):
        find_mixture("gpt2")


def test_fields_that_change_no_shape_are_ignored():
    """A real file has dozens of them."""
    plain = architecture(TINY["llama"])

    assert plain == architecture({**TINY["llama"], "rope_theta": 1e6, "torch_dtype": "bfloat16", "use_cache": True})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mumbo"}, "model_type 'mumbo' is known neither to this project nor to transformers"),
        ({"model_type": None}, "model_type is None; expected a name"),
        ({"hidden_size": None}, "hidden_size is missing; a config of family llama needs it"),
        ({"num_hidden_layers": -2}, "num_hidden_layers is -2; expected a whole number above 0"),
        ({"vocab_size": "32k"}, "vocab_size is '32k'; expected a whole number above 0"),
        (
            {"num_attention_heads": 5, "num_key_value_heads": 5},
            "hidden_size 48 is not a multiple",
        ),
        ({"num_key_value_heads": 4}, "num_attention_heads 6 is not a multiple of num_key_value_heads 4"),
        ({"attention_bias": "yes"}, "attention_bias is 'yes'; expected true or false"),
        ({"model_type": "gemma2", "layer_types": ["sliding_attention"]}, "layer_types names 1 layers; .* is 3"),
        ({"model_type": "gemma2", "layer_types": 5}, "layer_types is 5; expected a list with a name for each layer"),
        (
            {"model_type": "mixtral", "num_local_experts": 2, "num_experts_per_tok": 4},
            "through 4 experts, .* there are 2",
        ),
        ({"peft_type": "LORA", "base_model_name_or_path": "some/model"}, "of an adapter; .* base model, .some/model"),
    ],
)
def test_a_configuration_that_cannot_be_counted_is_refused(changes, message):
    """Never a wrong count: the message names the field, what it holds and what was expected."""
    with pytest.raises(ConfigRefused, match=message):
        architecture({**TINY["llama"], **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no JSON"), ("[1]", "holds a list; expected an object")],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text, message):
    """With the reason."""
    path = tmp_path / "config.json"
    path.write_text(text)

    with pytest.raises(ConfigRefused, match=message):
        find_model(str(path))


def test_a_name_that_is_neither_file_nor_model_is_refused(tmp_path):
    """The message lists the models; a folder without a config.json is told apart."""
    with pytest.raises(ConfigRefused, match="llama-9 is neither a file nor a published model; the models are gpt2"):
        find_model("llama-9")
    with pytest.raises(ConfigRefused, match="cannot be read"):
        find_model(str(tmp_path))
    with pytest.raises(ConfigRefused, match="no published model is named 'llama-9'; known are gpt2"):
        published_model("llama-9")


def test_layer_types_decide_which_layers_have_a_window():
    """Newer files spell out what older ones leave to a rule."""
    types = ["full_attention", "full_attention", "sliding_attention"]
    model = architecture({**TINY["gemma2"], "layer_types": types})

    assert [None, None, 8] == [layer.attention.window for layer in model.layers]
    assert [8, None, 8] == [layer.attention.window for layer in architecture(TINY["gemma2"]).layers]
