"""Models that `transformers` builds from a configuration: whole ones without memory, tiny ones to run."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedModel

KINDS = {"bert": AutoModel, "t5": AutoModelForSeq2SeqLM, "mt5": AutoModelForSeq2SeqLM}

_PLAIN = {
    "hidden_size": 48,
    "num_attention_heads": 6,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "vocab_size": 96,
    "max_position_embeddings": 64,
}
_GATED = {**_PLAIN, "num_key_value_heads": 2}
_GPT2 = {"n_embd": 48, "n_head": 6, "n_layer": 2, "n_positions": 64, "vocab_size": 96}
_T5 = {"d_model": 48, "d_ff": 40, "d_kv": 10, "num_heads": 6, "num_layers": 3, "vocab_size": 96}
_LATENT = {
    **_GATED,
    "num_key_value_heads": 6,
    "kv_lora_rank": 10,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 6,
    "moe_intermediate_size": 20,
    "n_routed_experts": 8,
    "n_shared_experts": 2,
    "num_experts_per_tok": 3,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
}

# One tiny configuration a family, and one for each switch that changes a shape; no two widths are alike.
TINY: dict[str, dict[str, Any]] = {
    "gpt2": {"model_type": "gpt2", **_GPT2},
    "gpt2 untied": {"model_type": "gpt2", **_GPT2, "n_inner": 100, "tie_word_embeddings": False},
    "bert": {"model_type": "bert", **_PLAIN, "type_vocab_size": 3},
    "t5": {"model_type": "t5", **_T5, "num_decoder_layers": 2},
    "t5 gated": {"model_type": "t5", **_T5, "feed_forward_proj": "gated-gelu", "relative_attention_num_buckets": 16},
    "mt5": {"model_type": "mt5", **_T5, "feed_forward_proj": "gated-gelu"},
    "gpt_neox": {"model_type": "gpt_neox", **_PLAIN},
    "llama": {"model_type": "llama", **_GATED},
    "llama with biases": {"model_type": "llama", **_GATED, "attention_bias": True, "mlp_bias": True},
    "llama with wide heads": {"model_type": "llama", **_GATED, "head_dim": 12, "tie_word_embeddings": True},
    "mistral": {"model_type": "mistral", **_GATED, "sliding_window": 8},
    "mixtral": {
        "model_type": "mixtral",
        **_GATED,
        **{"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    },
    "qwen2": {"model_type": "qwen2", **_GATED},
    "qwen2 sliding": {
        "model_type": "qwen2",
        **_GATED,
        **{"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
    },
    "qwen3": {"model_type": "qwen3", **_GATED, "head_dim": 12, "attention_bias": True},
    "qwen3_moe": {
        "model_type": "qwen3_moe",
        **_GATED,
        **{"head_dim": 12, "moe_intermediate_size": 20, "num_experts": 8, "num_experts_per_tok": 3},
    },
    "gemma": {"model_type": "gemma", **_GATED, "head_dim": 12},
    "gemma2": {"model_type": "gemma2", **_GATED, "head_dim": 12, "sliding_window": 8},
    "gemma3_text": {"model_type": "gemma3_text", **_GATED, "head_dim": 12, "sliding_window": 8},
    "phi3": {"model_type": "phi3", **_GATED, "sliding_window": 8, "pad_token_id": 0},
    "deepseek_v2": {"model_type": "deepseek_v2", **_LATENT, "q_lora_rank": None},
    "deepseek_v3": {"model_type": "deepseek_v3", **_LATENT, "q_lora_rank": 14},
    "deepseek_v3 with biases": {"model_type": "deepseek_v3", **_LATENT, "q_lora_rank": 14, "attention_bias": True},
}


def build(config: dict[str, Any], *, device: str = "meta", attention: str = "eager") -> PreTrainedModel:
    """The model of a configuration, in fp32 with random weights, or without any on the meta device."""
    fields = dict(config)
    made = AutoConfig.for_model(fields.pop("model_type"), **fields)
    made._experts_implementation = "eager"
    with torch.device(device):
        model = KINDS.get(config["model_type"], AutoModelForCausalLM).from_config(made, attn_implementation=attention)
    return model.eval()


def tokens(model: PreTrainedModel, batch: int, time: int) -> dict[str, torch.Tensor]:
    """Random tokens as the model's forward pass takes them; an encoder-decoder reads as many as it writes."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(1, model.config.vocab_size, (batch, time), generator=generator)
    return {"input_ids": drawn, "decoder_input_ids": drawn} if model.config.is_encoder_decoder else {"input_ids": drawn}
