"""Adapters' parameters against what peft trains."""

import pytest
from built_models import TINY, build
from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model

from repro.sizing.adapters import (
    bottleneck_parameters,
    count_lora,
    ia3_parameters,
    linear_names,
    prefix_parameters,
    prompt_parameters,
)
from repro.sizing.families import architecture
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published_model

# peft 0.21 asks `transformers` by an old name, and says that it turns GPT-2's transposed matrices round.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning"),
]

LLAMA = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "o_proj"}
LLAMA |= {"gate": "gate_proj", "up": "up_proj", "down": "down_proj"}
NAMES = {
    "llama": LLAMA,
    "llama with wide heads": LLAMA,
    "gemma2": LLAMA,
    "gpt2": {"query_key_value": "c_attn", "up": "c_fc"},
    "phi3": {"query_key_value": "qkv_proj", "output": "o_proj", "gate_up": "gate_up_proj", "down": "down_proj"},
    "bert": {"query": "query", "value": "value"},
    "t5": {"query": "q", "key": "k", "value": "v", "output": "o"},
    "deepseek_v3": {
        "query_down": "q_a_proj",
        "query_up": "q_b_proj",
        "kv_down": "kv_a_proj_with_mqa",
        "kv_up": "kv_b_proj",
    },
}


def _trained(model, config):
    return get_peft_model(model, config).get_nb_trainable_parameters()[0]


@pytest.mark.parametrize("rank", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_lora_trains_what_peft_says(name, rank):
    """r (d_in + d_out) for each matrix of that name, fused or not, square or not."""
    config = LoraConfig(r=rank, target_modules=list(NAMES[name].values()))

    assert count_lora(architecture(TINY[name]), rank, NAMES[name]) == _trained(build(TINY[name]), config)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_prefixes_and_prompts_train_what_peft_says(name):
    """A key and a value a layer and token, of the shared heads only; or a row at the input."""
    model = architecture(TINY[name])
    attention = model.layers[0].attention
    prefix = PrefixTuningConfig(num_virtual_tokens=5, task_type="CAUSAL_LM")
    prompt = PromptTuningConfig(num_virtual_tokens=5, task_type="CAUSAL_LM")
    kv_width = attention.kv_heads * attention.key_width

    assert prefix_parameters(layers=len(model.layers), length=5, kv_width=kv_width) == _trained(
        build(TINY[name], device="cpu"), prefix
    )
    assert prompt_parameters(length=5, width=48) == _trained(build(TINY[name], device="cpu"), prompt)


def test_ia3_trains_what_peft_says():
    """One scale a key, a value and a hidden feature."""
    targets = {"target_modules": ["k_proj", "v_proj", "down_proj"], "feedforward_modules": ["down_proj"]}

    assert ia3_parameters(layers=3, key=16, value=16, hidden=40) == _trained(build(TINY["llama"]), IA3Config(**targets))


def test_shares_of_llama_7b_are_those_of_the_papers():
    """LoRA r=8 on query and value 0.062 %, IA3 0.0091 %, prefixes of 20 tokens 0.078 %."""
    model = published_model("llama-7b")
    total = count_parameters(model).total

    assert 0.062e-2 == pytest.approx(count_lora(model, 8, ["query", "value"]) / total, rel=0.01)
    assert 0.0091e-2 == pytest.approx(ia3_parameters(layers=32, key=4096, value=4096, hidden=11_008) / total, rel=0.01)
    assert 0.078e-2 == pytest.approx(prefix_parameters(layers=32, length=20, kv_width=4096) / total, rel=0.01)


def test_bottlenecks_of_64_are_two_percent_of_bert_base():
    """Houlsby et al. 2019, section 2.1: 2 m d + d + m each, two a layer."""
    added = bottleneck_parameters(width=768, bottleneck=64, layers=12)

    assert 12 * 2 * (768 * 64 + 64 + 64 * 768 + 768) == added
    assert 0.0217 == pytest.approx(added / count_parameters(published_model("bert-base")).total, rel=0.01)


def test_an_unknown_matrix_is_named_with_those_there_are():
    """GPT-2's query is fused into one matrix, and the message shows it."""
    model = published_model("gpt2")

    assert ("query_key_value", "output", "up", "down") == linear_names(model)
    with pytest.raises(ValueError, match="gpt2 has no matrix query; its matrices are query_key_value, output"):
        count_lora(model, 8, ["query"])
