"""A config.json that is pasted into the page gives the command's numbers or one sentence, never another number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from built_models import TINY

from repro.sizing.catalogue import describe
from repro.sizing.families import architecture
from repro.sizing.models.config import ConfigRefused
from repro.sizing.published import published

pytestmark = pytest.mark.browser

LLAMA = {**TINY["llama"], "hidden_size": 48}
CHANGES: list[dict[str, Any]] = [
    {},
    {"num_key_value_heads": None},
    {"head_dim": 12, "tie_word_embeddings": True},
    {"tie_word_embeddings": None, "rope_theta": 1e6, "torch_dtype": "bfloat16"},
    {"max_position_embeddings": None},
    {"model_type": "mistral"},
    {"model_type": "mistral", "sliding_window": None},
    {"model_type": "mistral", "sliding_window": None, "num_key_value_heads": None},
    {"model_type": "mistral", "sliding_window": None, "layer_types": ["full_attention"] * 3},
    {"model_type": "gemma"},
    {"model_type": "gemma", "head_dim": None},
    {"architectures": ["LlamaForCausalLM"]},
    {"architectures": ["LlamaModel"]},
    {"architectures": ["LlamaForSequenceClassification"]},
    {"attention_bias": True},
    {"mlp_bias": True},
    {"attention_bias": "no"},
    {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}},
    {"num_key_value_heads": 4},
    {"num_attention_heads": 5, "num_key_value_heads": 5},
    {"hidden_size": 48.5},
    {"hidden_size": 48.0},
    {"hidden_size": "48"},
    {"hidden_size": None},
    {"vocab_size": 10**15},
    {"num_hidden_layers": 3000},
    {"num_hidden_layers": True},
    {"tie_word_embeddings": "yes"},
    {"model_type": None},
    {"model_type": "toString"},
    {"peft_type": "LORA"},
]
FILES = [
    *({**LLAMA, **change} for change in CHANGES),
    *TINY.values(),
    *(entry.config for entry in published().values()),
    {"model_type": "gemma3", "text_config": TINY["gemma3_text"]},
    {"model_type": "llama", "text_config": LLAMA},
    {"model_type": "falcon", "hidden_size": 48},
]
COUNTED = (
    "parameters",
    "active",
    "quantised",
    "adapters",
    "cached",
    "windowed",
    "window",
    "width",
    "hidden",
    "vocabulary",
)


def _counted(fields: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return describe(architecture(fields, "FILE"))
    except (ConfigRefused, ValueError):
        return None


@pytest.fixture
def read_pasted(browser, html):
    """What the page makes of texts."""
    page = browser.new_page()
    page.goto((html / "calculators.html").as_uri())
    yield lambda texts: page.evaluate("texts => texts.map(readPasted)", texts)
    page.close()


def test_the_page_counts_a_file_as_the_command_does_or_says_why_not(read_pasted):
    found = read_pasted([json.dumps(fields, indent=1) for fields in FILES])

    for fields, one in zip(FILES, found, strict=True):
        if "value" in one:
            known = _counted(fields)
            assert known is not None, fields
            assert {name: known[name] for name in COUNTED} == {name: one["value"][name] for name in COUNTED}
            assert (known["positions"], known["shape"]) == (one["value"]["positions"], one["value"]["shape"])
        else:
            assert one["wrong"].endswith(".") and 20 < len(one["wrong"]) < 200
    named = {fields["model_type"] for fields, one in zip(FILES, found, strict=True) if "value" in one}
    assert {"llama", "mistral", "gemma"} == named


def test_what_the_browser_cannot_count_names_the_command(read_pasted):
    """Windows, another family, a nested model, a quantised file, another head, biases."""
    kept = [
        TINY["mistral"],
        TINY["qwen3"],
        FILES[-3],
        {**LLAMA, **CHANGES[17]},
        {**LLAMA, **CHANGES[12]},
        TINY["llama with biases"],
    ]

    for one in read_pasted([json.dumps(fields) for fields in kept]):
        assert one["wrong"].endswith("In a shell, repro size config.json counts it.")


def test_any_text_gives_a_sentence(read_pasted):
    texts = [
        "",
        " ",
        "{",
        "[1]",
        "null",
        "7",
        '"x"',
        "\ufeff{}",
        "{}",
        "NaN",
        '{"model_type": "llama", "rope": NaN}',
        "[" * 10_000,
    ]

    assert all(20 < len(one["wrong"]) < 200 for one in read_pasted(texts))


def test_a_pasted_file_answers_as_the_picked_model_does(opened):
    """And the other way round: what is wrong stands at the field."""
    page = opened("calculators")
    for calculator in ("Memory to serve", "Memory to train", "Key-value cache", "Cost and time of training"):
        form = page.get_by_role("form", name=calculator)
        form.get_by_label("Model", exact=True).select_option("llama-2-7b")
        picked = form.locator(".repro-answer, .repro-table").all_inner_texts()
        form.get_by_label("Model", exact=True).select_option("pasted")
        assert "No answer: one field needs a correction." in form.inner_text()
        form.get_by_label("Text of a config.json").fill(json.dumps(published()["llama-2-7b"].config))
        assert [text.replace("llama-2-7b", "your model") for text in picked] == form.locator(
            ".repro-answer, .repro-table"
        ).all_inner_texts()
        form.get_by_label("Text of a config.json").fill('{"model_type": "qwen3"}')
        assert "does not count the family qwen3. In a shell, repro size config.json counts it." in form.inner_text()
