"""Our decoder's weights as `transformers.LlamaForCausalLM`, and back, so that peft, trl and generate work on them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from transformers import LlamaConfig, LlamaForCausalLM, PretrainedConfig

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

FAMILIES = ("llama", "mistral")  # one code but for the fields below
SHAPED = {  # fields that `Decoder` holds
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "max_position_embeddings", "rope_parameters", "tie_word_embeddings"),
}
SILENT = {  # fields that change no logit of a model that is read
    *("initializer_range", "use_cache", "pad_token_id", "bos_token_id", "eos_token_id", "pretraining_tp"),
    "attention_dropout",
}
PLAIN = {  # what our decoder has, always
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "rms_norm_eps": 1e-5,
}
# Fields that transformers reads by name of any family, whether its class declares them or not.
PLAIN_ANYWHERE = {"is_causal": True, "layer_types": None, "sliding_window": None}
PLAIN_ANYWHERE |= {"attention_chunk_size": None, "kv_sharing_modes": None}
PLAIN_ROPE = {"rope_type": "default", "type": "default", "partial_rotary_factor": None}


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


def from_llama(source: Any) -> Transformer:
    """A decoder with the weights and the logits of a Llama, or of a Mistral without a window, of `transformers`.

    Raises:
        ValueError: a choice that our decoder does not have, see `unlike_ours`.
    """
    shape = replace(shape_of(source.config), tied=source.lm_head.weight is source.model.embed_tokens.weight)
    model = Transformer(shape)
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


def unlike_ours(config: Any) -> list[str]:
    """What of a configuration of `transformers` our decoder cannot represent, in words; empty: it has the same logits.

    Every field of the configuration's class is looked at: one that is not known here counts as a difference, unless it
    is at its default and the family is known.
    """
    if config.model_type not in FAMILIES:
        return [f"model_type {config.model_type!r}"]
    inherited = {part.name for part in fields(PretrainedConfig)}
    declared = {part.name: part.default for part in fields(config)}
    own = {name: value for name, value in declared.items() if name not in {*inherited, *SHAPED, *SILENT}}
    plain = {**own, **PLAIN, **PLAIN_ANYWHERE, "head_dim": config.hidden_size / config.num_attention_heads}
    unlike = [f"{name} {value!r}" for name in plain if (value := getattr(config, name, plain[name])) != plain[name]]
    rope = {name: value for name, value in (config.rope_parameters or {}).items() if name != "rope_theta"}
    if any(value != PLAIN_ROPE.get(name) for name, value in rope.items()):
        unlike.append(f"rope_parameters {rope}")
    try:
        _shape(config)
    except (ValueError, TypeError) as error:
        unlike.append(str(error))
    return unlike


def shape_of(config: Any) -> Decoder:
    """The decoder that the configuration of a Llama describes.

    Raises:
        ValueError: a choice that our decoder does not have.
    """
    if unlike := unlike_ours(config):
        raise ValueError(f"this model has {', '.join(unlike)}, which our decoder does not")
    return _shape(config)


def _shape(config: Any) -> Decoder:
    return Decoder(
        vocabulary=config.vocab_size,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        hidden=config.intermediate_size,
        context=config.max_position_embeddings,
        rope_base=float((config.rope_parameters or {}).get("rope_theta", 10_000.0)),
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
