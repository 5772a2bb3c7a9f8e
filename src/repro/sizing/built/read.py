"""The architecture of a model that `transformers` builds: its layers one by one, and what it has beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repro.sizing.built.build import build, quiet
from repro.sizing.built.kept import Kept, NothingKept, kept_by_layer
from repro.sizing.built.modules import NORM, Heads, read_layer
from repro.sizing.models.architecture import Architecture, Layer
from repro.sizing.models.config import Config, ConfigRefused, shown
from repro.sizing.models.matrices import Latent, Matrix
from repro.sizing.models.parameters import count_parameters
from repro.sizing.models.parts import Mixer

if TYPE_CHECKING:
    from torch import nn

POSITION = re.compile(r"pos|wpe|token_type|segment", re.IGNORECASE)
CROSSED = ("encoder_attn", "crossattention", "cross_attn", "EncDecAttention")


def read_built(config: Config) -> Architecture:
    """The architecture of a configuration that no formula counts, exact in its parameters.

    Raises:
        ConfigRefused: `transformers` cannot build or run it, or it is no stack of layers.
    """
    model = build(config)
    try:
        with quiet():
            return _architecture(model, config)
    except Exception as error:  # a foreign model may fail anywhere
        number = sum(parameter.numel() for parameter in model.parameters())
        raise ConfigRefused(
            f"{config.name}: a model of family {config.family} with {number:,} parameters is built, but it is not read "
            f"layer by layer ({shown(error)})"
        ) from error


def _architecture(model: Any, config: Config) -> Architecture:
    decoder = _decoder(model)
    text = model.config.get_text_config(decoder=True)
    stack = _read_stack(model, decoder, text)
    embedding, head = _embedding(model, decoder).weight, model.get_output_embeddings()
    vocabulary, width = embedding.shape[0], int(text.hidden_size)
    wrapped = model.config is not text and not model.config.is_encoder_decoder
    labels = None if head is not None or wrapped else _label_map(model, decoder)
    whole = Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=vocabulary,
        embedding_width=embedding.shape[1] if embedding.shape[1] != width else 0,
        layers=stack.layers,
        norm_parameters=stack.norms,
        encoder=_encoder(model, text),
        causal=stack.causal,
        uncached=stack.uncached,
        head=labels or _matrix(head),
        tied=head is not None and head.weight is embedding,
        position_parameters=stack.positions,
        positions=_count(getattr(text, "max_position_embeddings", None)),
        beside=_parts(model, decoder, head) if wrapped else (),
    )
    left = sum(parameter.numel() for parameter in model.parameters()) - count_parameters(whole).total
    if left < 0:
        raise ValueError(f"its layers share weights, of which {-left:,} would be counted more than once")
    return replace(whole, other_parameters=left)


def _count(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _decoder(model: Any) -> Any:
    """The stack that reads and writes text, out of whatever is wrapped round it."""
    while hasattr(model, "get_decoder") and (inner := model.get_decoder()) is not model and inner is not None:
        if not _has_layers(inner):  # ModernBERT's decoder calls its map to the vocabulary so
            return model.base_model
        model = inner
    return model


def _embedding(model: Any, decoder: Any) -> Any:
    return (decoder if hasattr(decoder, "get_input_embeddings") else model).get_input_embeddings()


def _writes(model: Any) -> bool:
    """Whether the model writes text token by token; an encoder of text does not."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

    text = model.config.get_text_config(decoder=True)
    masked: Any = MODEL_FOR_MASKED_LM_MAPPING
    return type(text) not in masked or bool(getattr(text, "is_decoder", False) or model.config.is_encoder_decoder)


@dataclass(frozen=True)
class Stack:
    """The layers of a stack, and its norms and learned positions outside them.

    causal: whether it writes text. uncached: why its cache could not be read; empty if it was or has none.
    """

    layers: tuple[Layer, ...]
    norms: int
    positions: int
    causal: bool
    uncached: str


def _read_stack(model: Any, decoder: Any, text: Any) -> Stack:
    from torch import nn

    place, modules = _longest_list(decoder)
    _refuse_rounds(text, len(modules))
    width = int(text.hidden_size)
    heads = [_heads(_of_layer(text, number)) for number in range(len(modules))]
    causal, uncached = _writes(model), ""
    kept = [_every_head(width, one) for one in heads]
    try:
        kept = kept_by_layer(model, decoder, len(modules)) if causal else kept
    except NothingKept as error:
        causal = model.get_output_embeddings() is not None  # else it reads text, as the text part of a CLIP does
        uncached = str(error) if causal else ""
    except ValueError as error:
        uncached = str(error)
    layers = [read_layer(*parts, width=width) for parts in zip(modules, kept, heads, strict=True)]
    if any(name in path for name in CROSSED for path, _ in decoder.named_modules()):
        layers = [_with_crossed(layer) for layer in layers]
    embedding = _embedding(model, decoder)
    norms = positions = 0
    for path, module in decoder.named_modules():
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        if path.startswith(f"{place}.") or module is embedding:
            continue
        norms += own if NORM.search(path.rsplit(".", 1)[-1]) else 0
        positions += own if isinstance(module, nn.Embedding) and POSITION.search(path) else 0
    return Stack(tuple(layers), norms, positions, causal, uncached)


def _every_head(width: int, heads: Heads) -> Kept:
    """Keys and values of every query head, for layers that keep nothing or nobody knows what."""
    return Kept(heads.number, width // heads.number, width // heads.number) if heads.number else Kept()


def _of_layer(text: Any, number: int) -> Any:
    """A configuration as one layer has it; newer families have layers of several widths."""
    by_layer = getattr(text, "per_layer_config", None)
    return text if by_layer is None or number >= len(by_layer) else by_layer[number]


def _refuse_rounds(text: Any, layers: int) -> None:
    rounds = getattr(text, "num_hidden_layers", 0)
    if isinstance(rounds, int) and rounds > layers and not text.is_encoder_decoder:
        raise ValueError(
            f"its list has {layers} layers, num_hidden_layers is {rounds}: what a token goes through is not said"
        )


def _has_layers(module: nn.Module) -> bool:
    from torch import nn

    return any(isinstance(inner, nn.ModuleList) for inner in module.modules())


def _longest_list(stack: nn.Module) -> tuple[str, list[nn.Module]]:
    """Path and modules of the list of layers: the list that holds most parameters."""
    from torch import nn

    lists = [(path, list(m)) for path, m in stack.named_modules() if isinstance(m, nn.ModuleList) and len(m)]
    if not lists:
        raise ValueError("it has no list of layers that could be read one by one")
    return max(lists, key=lambda found: sum(p.numel() for module in found[1] for p in module.parameters()))


def _with_crossed(layer: Layer) -> Layer:
    """A decoder's layer with its attention to the encoder, which keeps as much; its matrices are in the layer's own."""
    own = layer.attention
    assert isinstance(own, Mixer)
    return replace(layer, crossed=replace(own, matrices=(), norm_parameters=0))


def _encoder(model: Any, text: Any) -> tuple[Layer, ...]:
    if not model.config.is_encoder_decoder:
        return ()
    _, modules = _longest_list(model.get_encoder())
    width, heads = int(text.hidden_size), _heads(text)
    return tuple(read_layer(module, _every_head(width, heads), heads, width=width) for module in modules)


def _heads(text: Any) -> Heads:
    number = getattr(text, "num_attention_heads", 0)
    heads = int(number) if isinstance(number, int) else 0
    rank, rope = getattr(text, "kv_lora_rank", None), getattr(text, "qk_rope_head_dim", None)
    if not rank or not rope:
        return Heads(heads)
    latent = Latent(getattr(text, "q_lora_rank", None) or 0, rank, rope)
    return Heads(heads, text.qk_nope_head_dim + rope, text.v_head_dim, latent)


def _parts(model: Any, decoder: Any, head: Any) -> tuple[tuple[str, int], ...]:
    """Parameters by name of what lies beside decoder and head: what reads images or sounds, and what joins it."""
    ours = {id(parameter) for part in (decoder, head) if part is not None for parameter in part.parameters()}
    found: dict[str, int] = {}
    for path, parameter in model.named_parameters():
        if id(parameter) not in ours:
            words = [word for word in path.split(".") if word != "model"]
            found[words[0]] = found.get(words[0], 0) + parameter.numel()
    return tuple(found.items())


def _label_map(model: Any, decoder: Any) -> Matrix | None:
    """The map to labels or to a reward, of a model that classifies and writes nothing."""
    from torch import nn

    ours = {id(parameter) for parameter in decoder.parameters()}
    maps = [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear)
        and id(module.weight) not in ours
        and module.in_features == decoder.config.hidden_size
    ]
    return _matrix(maps[0]) if len(maps) == 1 else None


def _matrix(head: Any) -> Matrix | None:
    if head is None:
        return None
    outputs, inputs = head.weight.shape
    return Matrix("head", inputs, outputs, getattr(head, "bias", None) is not None)
