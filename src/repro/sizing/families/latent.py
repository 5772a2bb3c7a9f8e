"""DeepSeek: latent attention and fine-grained experts."""

from __future__ import annotations

from repro.sizing.families.decoder import decoder, gated
from repro.sizing.models.architecture import Architecture, Attention, Experts, Layer
from repro.sizing.models.config import Config
from repro.sizing.models.matrices import Latent


def deepseek(config: Config) -> Architecture:
    """DeepSeek-V2 and V3: latent attention, first layers dense, then routed and shared experts."""
    config.expect("moe_layer_freq", 1)
    config.expect("mlp_bias", False)
    width, heads = config.count("hidden_size"), config.count("num_attention_heads")
    latent = Latent(
        config.number_or_zero("q_lora_rank", 1536), config.count("kv_lora_rank"), config.count("qk_rope_head_dim")
    )
    key_width = config.count("qk_nope_head_dim") + latent.rope_width
    attention = Attention(
        width,
        heads,
        heads,
        key_width,
        config.count("v_head_dim"),
        biased="down output" if config.flag("attention_bias", False) else "",
        latent=latent,
        norm_parameters=latent.query_rank + latent.kv_rank,
    )
    one = config.count("moe_intermediate_size")
    experts = Experts(
        width=width,
        hidden=one,
        experts=config.count("n_routed_experts"),
        active=config.count("num_experts_per_tok"),
        shared_hidden=config.number_or_zero("n_shared_experts") * one,
    )
    layers, dense = config.count("num_hidden_layers"), config.number_or_zero("first_k_dense_replace")
    kinds = [gated(config) if place < dense else experts for place in range(layers)]
    return decoder(
        config,
        width,
        tuple(Layer(attention, kind) for kind in kinds),
        norm_parameters=width,
        tied=config.flag("tie_word_embeddings", False),
        positions=config.optional("max_position_embeddings"),
    )
