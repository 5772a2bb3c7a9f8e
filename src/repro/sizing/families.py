"""How each published family spells its configuration: one reader a family, all giving an Architecture.

Defaults are those of the family's configuration class in Hugging Face transformers, for fields that published files
leave out. Multi-token-prediction heads (DeepSeek-V3) are not counted: they are dropped for inference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from repro.sizing.architecture import Architecture, Attention, Experts, FeedForward, Latent, Layer, Matrix
from repro.sizing.config import Config, ConfigRefused, read_config

Reader = Callable[[Config], Architecture]
ALL_FOUR = "query key value output"


def architecture(source: str | Path | Mapping[str, Any], name: str | None = None) -> Architecture:
    """The architecture that a `config.json` (file, folder or fields) describes.

    Raises:
        ConfigRefused: unreadable, of an unknown family, or with a field that is missing or impossible.
    """
    config = read_config(source, name)
    if config.family not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise ConfigRefused(f"{config.name}: model_type {config.family!r} is not known; known are {known}")
    return FAMILIES[config.family](config)


def _gpt2(config: Config) -> Architecture:
    """GPT-2 and, with other widths, GPT-3: learned positions, LayerNorm, fused attention, tied head."""
    width, heads = config.count("n_embd"), config.count("n_head")
    head_width = config.divided("n_embd", "n_head")
    attention = Attention(width, heads, heads, head_width, head_width, biased=ALL_FOUR, fused=True)
    block = FeedForward(width, config.count("n_inner", 4 * width), gated=False, bias=True)
    positions = config.count("n_positions")
    return _decoder(
        config,
        width,
        (Layer(attention, block, norm_bias=True),) * config.count("n_layer"),
        norm_parameters=2 * width,
        tied=config.flag("tie_word_embeddings", True),
        positions=positions,
        position_parameters=positions * width,
    )


def _bert(config: Config) -> Architecture:
    """BERT's bare encoder with its pooler, as `BertModel`: no head over the vocabulary."""
    width, heads = config.count("hidden_size"), config.count("num_attention_heads")
    head_width = config.divided("hidden_size", "num_attention_heads")
    attention = Attention(width, heads, heads, head_width, head_width, biased=ALL_FOUR)
    block = FeedForward(width, config.count("intermediate_size"), gated=False, bias=True)
    positions = config.count("max_position_embeddings")
    return Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=config.count("vocab_size"),
        layers=(Layer(attention, block, norm_bias=True),) * config.count("num_hidden_layers"),
        norm_parameters=2 * width,
        causal=False,
        pooler=Matrix("pooler", width, width, bias=True),
        position_parameters=(positions + config.count("type_vocab_size", 2)) * width,
        positions=positions,
    )


def _t5(config: Config) -> Architecture:
    """T5: encoder and decoder, relative biases in the first layer of each, no biases elsewhere."""
    width, heads, head_width = config.count("d_model"), config.count("num_heads"), config.count("d_kv")
    attention = Attention(width, heads, heads, head_width, head_width)
    activation = config.fields.get("feed_forward_proj", "relu")
    block = FeedForward(width, config.count("d_ff"), gated=str(activation).startswith("gated"))
    layers = config.count("num_layers")
    decoders = config.count("num_decoder_layers", layers)
    vocabulary = config.count("vocab_size")
    return Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=vocabulary,
        layers=(Layer(attention, block, norms=3, crossed=attention),) * decoders,
        norm_parameters=2 * width,
        encoder=(Layer(attention, block),) * layers,
        head=Matrix("head", width, vocabulary),
        tied=config.flag("tie_word_embeddings", True),
        position_parameters=2 * config.count("relative_attention_num_buckets", 32) * heads,
    )


def _gpt_neox(config: Config) -> Architecture:
    """GPT-NeoX and Pythia: rotary positions, LayerNorm, fused attention, untied head."""
    width, heads = config.count("hidden_size"), config.count("num_attention_heads")
    head_width = config.divided("hidden_size", "num_attention_heads")
    biased = ALL_FOUR if config.flag("attention_bias", True) else ""
    attention = Attention(width, heads, heads, head_width, head_width, biased=biased, fused=True)
    block = FeedForward(width, config.count("intermediate_size"), gated=False, bias=True)
    return _decoder(
        config,
        width,
        (Layer(attention, block, norm_bias=True),) * config.count("num_hidden_layers"),
        norm_parameters=2 * width,
        tied=config.flag("tie_word_embeddings", False),
        positions=config.optional("max_position_embeddings"),
    )


def _llama(config: Config) -> Architecture:
    """Llama 1 to 3 and Mistral 7B: rotary positions, RMSNorm, gated feed-forward."""
    biased = ALL_FOUR if config.flag("attention_bias", False) else ""
    return _modern(config, biased=biased, feed_forward=_gated(config, bias=config.flag("mlp_bias", False)))


def _mistral(config: Config) -> Architecture:
    return _modern(config, windows=_windows(config, lambda _: True))


def _mixtral(config: Config) -> Architecture:
    experts = Experts(
        config.count("hidden_size"),
        config.count("intermediate_size"),
        config.count("num_local_experts"),
        config.count("num_experts_per_tok"),
    )
    return _modern(config, feed_forward=experts, windows=_windows(config, lambda _: True))


def _qwen2(config: Config) -> Architecture:
    """Qwen 2 and 2.5: biases on query, key and value."""
    return _modern(config, biased="query key value", windows=_qwen_windows(config))


def _qwen3(config: Config) -> Architecture:
    """Qwen 3: a norm on each head's query and key."""
    biased = ALL_FOUR if config.flag("attention_bias", False) else ""
    return _modern(config, biased=biased, head_norms=True, windows=_qwen_windows(config))


def _qwen3_moe(config: Config) -> Architecture:
    """Qwen 3's mixtures: every layer has experts unless told otherwise."""
    if config.number_or_zero("decoder_sparse_step", 1) != 1 or config.fields.get("mlp_only_layers"):
        raise ConfigRefused(f"{config.name}: a mixture with dense layers in between is not known for {config.family}")
    experts = Experts(
        config.count("hidden_size"),
        config.count("moe_intermediate_size"),
        config.count("num_experts"),
        config.count("num_experts_per_tok"),
    )
    biased = ALL_FOUR if config.flag("attention_bias", False) else ""
    return _modern(config, biased=biased, head_norms=True, feed_forward=experts, windows=_qwen_windows(config))


def _gemma(config: Config) -> Architecture:
    biased = ALL_FOUR if config.flag("attention_bias", False) else ""
    return _modern(config, biased=biased, tied=True)


def _gemma2(config: Config) -> Architecture:
    """Gemma 2: four norms a layer, a window in every second layer from the first."""
    biased = ALL_FOUR if config.flag("attention_bias", False) else ""
    windows = _windows(config, lambda layer: layer % 2 == 0)
    return _modern(config, biased=biased, tied=True, norms=4, windows=windows)


def _gemma3(config: Config) -> Architecture:
    """Gemma 3's text model: as Gemma 2, norms on heads, five windowed layers to one that sees all."""
    biased = ALL_FOUR if config.flag("attention_bias", False) else ""
    period = config.count("sliding_window_pattern", 6)
    windows = _windows(config, lambda layer: (layer + 1) % period != 0)
    return _modern(config, biased=biased, tied=True, norms=4, head_norms=True, windows=windows)


def _phi3(config: Config) -> Architecture:
    """Phi-3: query, key and value in one matrix, gate and up in another."""
    windows = _windows(config, lambda _: True)
    return _modern(config, fused=True, feed_forward=_gated(config, fused=True), windows=windows)


def _deepseek(config: Config) -> Architecture:
    """DeepSeek-V2 and V3: latent attention, first layers dense, then routed and shared experts."""
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
        width,
        one,
        config.count("n_routed_experts"),
        config.count("num_experts_per_tok"),
        shared_hidden=config.number_or_zero("n_shared_experts") * one,
    )
    layers, dense = config.count("num_hidden_layers"), config.number_or_zero("first_k_dense_replace")
    kinds = [_gated(config) if place < dense else experts for place in range(layers)]
    return _decoder(
        config,
        width,
        tuple(Layer(attention, kind) for kind in kinds),
        norm_parameters=width,
        tied=config.flag("tie_word_embeddings", False),
        positions=config.optional("max_position_embeddings"),
    )


def _modern(
    config: Config,
    *,
    feed_forward: FeedForward | Experts | None = None,
    biased: str = "",
    fused: bool = False,
    tied: bool = False,
    norms: int = 2,
    head_norms: bool = False,
    windows: tuple[int | None, ...] | None = None,
) -> Architecture:
    """The common shape since Llama: RMSNorm, grouped heads, rotary positions, gated feed-forward."""
    width, heads = config.count("hidden_size"), config.count("num_attention_heads")
    kv_heads = config.count("num_key_value_heads", heads)
    if heads % kv_heads:
        raise ConfigRefused(
            f"{config.name}: num_attention_heads {heads} is not a multiple of num_key_value_heads {kv_heads}"
        )
    head_width = config.optional("head_dim") or config.divided("hidden_size", "num_attention_heads")
    block = feed_forward or _gated(config)
    inner = 2 * head_width if head_norms else 0
    layers = []
    for window in windows or (None,) * config.count("num_hidden_layers"):
        attention = Attention(width, heads, kv_heads, head_width, head_width, window, biased, fused, None, inner)
        layers.append(Layer(attention, block, norms))
    return _decoder(
        config,
        width,
        tuple(layers),
        norm_parameters=width,
        tied=config.flag("tie_word_embeddings", tied),
        positions=config.optional("max_position_embeddings"),
    )


def _decoder(
    config: Config,
    width: int,
    layers: tuple[Layer, ...],
    *,
    norm_parameters: int,
    tied: bool,
    positions: int | None,
    position_parameters: int = 0,
) -> Architecture:
    vocabulary = config.count("vocab_size")
    return Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=vocabulary,
        layers=layers,
        norm_parameters=norm_parameters,
        head=Matrix("head", width, vocabulary),
        tied=tied,
        position_parameters=position_parameters,
        positions=positions,
    )


def _gated(config: Config, *, bias: bool = False, fused: bool = False) -> FeedForward:
    return FeedForward(config.count("hidden_size"), config.count("intermediate_size"), True, bias, fused)


def _windows(config: Config, slides: Callable[[int], bool]) -> tuple[int | None, ...]:
    """Each layer's window: by the file's layer_types where it has them, else by the family's rule."""
    layers, window = config.count("num_hidden_layers"), config.optional("sliding_window")
    types = config.fields.get("layer_types")
    if types is None:
        return tuple(window if slides(place) else None for place in range(layers))
    if not isinstance(types, list) or len(types) != layers:
        raise ConfigRefused(f"{config.name}: layer_types names {len(types)} layers; num_hidden_layers is {layers}")
    return tuple(window if kind == "sliding_attention" else None for kind in types)


def _qwen_windows(config: Config) -> tuple[int | None, ...]:
    if not config.flag("use_sliding_window", False):
        return (None,) * config.count("num_hidden_layers")
    first = config.number_or_zero("max_window_layers", 28)
    return _windows(config, lambda layer: layer >= first)


FAMILIES: dict[str, Reader] = {
    "bert": _bert,
    "deepseek_v2": _deepseek,
    "deepseek_v3": _deepseek,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gemma3_text": _gemma3,
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
    "llama": _llama,
    "mistral": _mistral,
    "mixtral": _mixtral,
    "phi3": _phi3,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "t5": _t5,
}
