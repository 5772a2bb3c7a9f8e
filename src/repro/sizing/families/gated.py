"""Families since Llama: rotary positions, RMSNorm, grouped heads, gated feed-forward blocks or experts."""

from __future__ import annotations

from collections.abc import Callable

from repro.sizing.families.decoder import ALL_FOUR, decoder, gated
from repro.sizing.models.architecture import Architecture, Attention, Experts, FeedForward, Layer
from repro.sizing.models.config import Config, ConfigRefused, shown


def llama(config: Config) -> Architecture:
    """Llama 1 to 3."""
    return _modern(config, biased=_biased(config), feed_forward=gated(config, bias=config.flag("mlp_bias", False)))


def mistral(config: Config) -> Architecture:
    """Mistral 7B: Llama with a window in every layer."""
    return _modern(config, windows=_windows(config, lambda _: True))


def mixtral(config: Config) -> Architecture:
    """Mixtral: experts in every layer."""
    experts = Experts(
        width=config.count("hidden_size"),
        hidden=config.count("intermediate_size"),
        experts=config.count("num_local_experts"),
        active=config.count("num_experts_per_tok"),
    )
    return _modern(config, feed_forward=experts, windows=_windows(config, lambda _: True))


def qwen2(config: Config) -> Architecture:
    """Qwen 2 and 2.5: biases on query, key and value."""
    return _modern(config, biased="query key value", windows=_qwen_windows(config))


def qwen3(config: Config) -> Architecture:
    """Qwen 3: a norm on each head's query and key."""
    return _modern(config, biased=_biased(config), head_norms=True, windows=_qwen_windows(config))


def qwen3_moe(config: Config) -> Architecture:
    """Qwen 3's mixtures: experts in every layer."""
    config.expect("decoder_sparse_step", 1)
    config.expect("mlp_only_layers", [])
    experts = Experts(
        width=config.count("hidden_size"),
        hidden=config.count("moe_intermediate_size"),
        experts=config.count("num_experts"),
        active=config.count("num_experts_per_tok"),
    )
    return _modern(config, biased=_biased(config), head_norms=True, feed_forward=experts, windows=_qwen_windows(config))


def gemma(config: Config) -> Architecture:
    """Gemma: a tied head, heads wider than the model over their number."""
    return _modern(config, biased=_biased(config), tied=True)


def gemma2(config: Config) -> Architecture:
    """Gemma 2: four norms per layer, a window in every second layer from the first."""
    windows = _windows(config, lambda layer: layer % 2 == 0)
    return _modern(config, biased=_biased(config), tied=True, norms=4, windows=windows)


def gemma3(config: Config) -> Architecture:
    """Gemma 3's text model: as Gemma 2, norms on heads, five windowed layers to one that sees all."""
    period = config.count("sliding_window_pattern", 6)
    windows = _windows(config, lambda layer: (layer + 1) % period != 0)
    return _modern(config, biased=_biased(config), tied=True, norms=4, head_norms=True, windows=windows)


def phi3(config: Config) -> Architecture:
    """Phi-3: query, key and value in one matrix, gate and up in another."""
    windows = _windows(config, lambda _: True)
    return _modern(config, fused=True, feed_forward=gated(config, fused=True), windows=windows)


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
    block = feed_forward or gated(config)
    inner = 2 * head_width if head_norms else 0
    layers = []
    for window in windows or (None,) * config.count("num_hidden_layers"):
        attention = Attention(
            width,
            heads,
            kv_heads,
            key_width=head_width,
            value_width=head_width,
            window=window,
            biased=biased,
            fused=fused,
            norm_parameters=inner,
        )
        layers.append(Layer(attention, block, norms))
    return decoder(
        config,
        width,
        tuple(layers),
        norm_parameters=width,
        tied=config.flag("tie_word_embeddings", tied),
        positions=config.optional("max_position_embeddings"),
    )


def _windows(config: Config, slides: Callable[[int], bool]) -> tuple[int | None, ...]:
    """Each layer's window: by the file's layer_types where it has them, else by the family's rule."""
    layers, window = config.count("num_hidden_layers"), config.optional("sliding_window")
    types = config.fields.get("layer_types")
    if types is None:
        return tuple(window if slides(place) else None for place in range(layers))
    if not isinstance(types, list):
        raise ConfigRefused(f"{config.name}: layer_types is {shown(types)}; expected a list with a name for each layer")
    if len(types) != layers:
        raise ConfigRefused(f"{config.name}: layer_types names {len(types)} layers; num_hidden_layers is {layers}")
    return tuple(window if kind == "sliding_attention" else None for kind in types)


def _qwen_windows(config: Config) -> tuple[int | None, ...]:
    if not config.flag("use_sliding_window", False):
        return (None,) * config.count("num_hidden_layers")
    first = config.number_or_zero("max_window_layers", 28)
    return _windows(config, lambda layer: layer >= first)


def _biased(config: Config) -> str:
    return ALL_FOUR if config.flag("attention_bias", False) else ""
