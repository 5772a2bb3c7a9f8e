"""Our decoder's weights as `transformers.LlamaForCausalLM`, and back, so that peft, trl and generate work on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import LlamaConfig, LlamaForCausalLM

from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

# our name of a block's part: Llama's
PARTS = {
    "attention_norm": "input_layernorm",
    "attention.query": "self_attn.q_proj",
    "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj",
    "attention.output": "self_attn.o_proj",
    "feed_forward_norm": "post_attention_layernorm",
    "feed_forward.gate": "mlp.gate_proj",
    "feed_forward.up": "mlp.up_proj",
    "feed_forward.down": "mlp.down_proj",
}


def to_llama(model: Transformer) -> LlamaForCausalLM:
    """A Llama with the same weights and the same logits, on the same device, in single precision.

    Raises:
        ValueError: the decoder is not shaped as Llama.
    """
    with model.embedding.weight.device:
        llama = LlamaForCausalLM(llama_config(model.shape))
    weights = model.state_dict()
    llama.load_state_dict({theirs: weights[ours] for ours, theirs in _names(model.shape).items()})
    return llama.eval()


def from_llama(source: LlamaForCausalLM | Path) -> Transformer:
    """A decoder with the weights of a Llama, or of a folder that holds one (safetensors only).

    Raises:
        ValueError: a Llama with biases, scaled rotary positions, a head width of its own or an epsilon not ours.
    """
    if isinstance(source, Path):
        source = LlamaForCausalLM.from_pretrained(source, use_safetensors=True, local_files_only=True)
    model = Transformer(shape_of(source.config))
    weights = source.state_dict()
    model.load_state_dict({ours: weights[theirs] for ours, theirs in _names(model.shape).items()})
    return model.eval()


def llama_config(shape: Decoder) -> LlamaConfig:
    """The configuration of a Llama of this shape.

    Raises:
        ValueError: Llama has no such choice.
    """
    llama = Decoder(vocabulary=shape.vocabulary, width=shape.width, layers=shape.layers, heads=shape.heads)
    for name in ("norm", "norm_place", "positions", "activation", "gated"):
        if getattr(shape, name) != getattr(llama, name):
            raise ValueError(f"{name} is {getattr(shape, name)!r}; a Llama has {getattr(llama, name)!r}")
    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward_width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=shape.context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=shape.tied,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        bos_token_id=None,
        eos_token_id=None,
    )


def shape_of(config: LlamaConfig) -> Decoder:
    """The decoder that a Llama's configuration describes.

    Raises:
        ValueError: a choice that `from_llama` refuses.
    """
    rope: dict[str, Any] = {**(config.rope_parameters or {})}
    expected = {
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "rms_norm_eps": 1e-5,
        "head_dim": config.hidden_size // config.num_attention_heads,
    }
    for name, value in expected.items():
        if getattr(config, name) not in (value, None):
            raise ValueError(f"this Llama has {name} = {getattr(config, name)!r}; expected {value!r}")
    if rope.get("rope_type", "default") != "default":
        raise ValueError(f"this Llama scales its rotary positions ({rope}); expected plain ones")
    return Decoder(
        vocabulary=config.vocab_size,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        hidden=config.intermediate_size,
        context=config.max_position_embeddings,
        rope_base=float(rope.get("rope_theta", 10_000.0)),
        tied=config.tie_word_embeddings,
    )


def _names(shape: Decoder) -> dict[str, str]:
    blocks = {
        f"blocks.{layer}.{ours}.weight": f"model.layers.{layer}.{theirs}.weight"
        for layer in range(shape.layers)
        for ours, theirs in PARTS.items()
    }
    ends = {"embedding": "model.embed_tokens", "norm": "model.norm", "output": "lm_head"}
    return {**blocks, **{f"{ours}.weight": f"{theirs}.weight" for ours, theirs in ends.items()}}
