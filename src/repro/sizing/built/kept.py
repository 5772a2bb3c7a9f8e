"""What a built model keeps of each token: read off its cache after a forward pass on the meta device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.sizing.models.config import shown

if TYPE_CHECKING:
    from torch import nn

SHORT, LONG = 2, 4  # tokens of two passes: what grows between them is kept of each token, the rest of a sequence
FAR = 160  # tokens of a third pass, for caches of a model's own making, which may merge tokens


@dataclass(frozen=True)
class Kept:
    """What one layer keeps.

    key_heads, key_width, value_width: of the keys and values of one token; 0 without attention. window: tokens that are
    kept at most, None for all. state: numbers kept of a sequence, however long it is. What an indexer keeps beside keys
    and values, to choose the tokens that are read, is left out.
    """

    key_heads: int = 0
    key_width: int = 0
    value_width: int = 0
    window: int | None = None
    state: int = 0

    @property
    def cached_width(self) -> int:
        """Numbers kept of each token."""
        return self.key_heads * (self.key_width + self.value_width)

    def numbers(self, tokens: int) -> int:
        """Numbers kept of a sequence of so many tokens."""
        return self.cached_width * min(tokens, self.window or tokens) + self.state


class NothingKept(ValueError):
    """A model that runs and gives no cache back."""


def kept_by_layer(model: Any, decoder: nn.Module, layers: int) -> list[Kept]:
    """What each layer of a decoder keeps; the whole model runs where the decoder does not run alone.

    Raises:
        ValueError: it does not run on the meta device, or gives no cache that can be read.
    """
    short, long = _cache(model, decoder, SHORT), _cache(model, decoder, LONG)
    kept = [_kept(one, other) for one, other in zip(short, long, strict=True)]
    if len(kept) > layers:
        raise ValueError(f"its cache has {len(kept)} layers, the model {layers}")
    own = [place for place, layer in enumerate(long) if kept[place].key_heads and not _is_plain(layer)]
    far = _cache(model, decoder, FAR) if own else []
    if any(_numbers(far[place]) != kept[place].numbers(FAR) for place in own):
        raise ValueError("its cache does not grow by as many numbers with every token")
    return kept + [Kept()] * (layers - len(kept))


def _is_plain(layer: Any) -> bool:
    """Whether a layer of a cache is of a kind that all families share."""
    return type(layer).__module__.startswith("transformers.cache_utils")


def _cache(model: Any, decoder: nn.Module, tokens: int) -> list[Any]:
    """The layers of the cache after so many tokens; recurrent models without such a cache give their tensors as one."""
    output = _output(model, decoder, tokens)
    for name in ("past_key_values", "cache_params", "state"):
        cache = getattr(output, name, None)
        cache = getattr(cache, "self_attention_cache", cache)  # a decoder that reads an encoder keeps two
        if cache is not None:
            return list(getattr(cache, "layers", None) or [cache])
    raise NothingKept("it gives no cache back")


def _output(model: Any, decoder: nn.Module, tokens: int) -> Any:
    import torch

    read = torch.zeros(1, tokens, dtype=torch.long, device="meta")
    with torch.no_grad(), torch.device("meta"):
        try:
            return decoder(input_ids=read, use_cache=True)
        except Exception as error:  # a foreign model may fail anywhere
            if not model.config.is_encoder_decoder:
                raise ValueError(f"it does not run without memory ({_told(error)})") from error
        try:
            return model(input_ids=read, decoder_input_ids=read, use_cache=True)
        except Exception as error:
            raise ValueError(f"it does not run without memory ({_told(error)})") from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {shown(error) or 'no reason given'}"


def _kept(short: Any, long: Any) -> Kept:
    keys: Any = getattr(long, "keys", None)
    growing = _beside(long) - _beside(short)  # of an indexer
    state = _beside(short) - growing * SHORT // (LONG - SHORT)
    if not hasattr(keys, "dim") or keys.dim() != 4:
        return Kept(state=state)
    return Kept(
        key_heads=keys.shape[1],
        key_width=keys.shape[-1],
        value_width=long.values.shape[-1],
        window=getattr(long, "sliding_window", None),
        state=state,
    )


def _beside(layer: Any) -> int:
    """Numbers in a layer of a cache that are neither keys nor values."""
    pair: list[Any] = [getattr(layer, name, None) for name in ("keys", "values")]
    whole = all(hasattr(part, "dim") and part.dim() == 4 for part in pair)
    return _numbers(layer) - (sum(map(_numbers, pair)) if whole else 0)


def _numbers(part: Any) -> int:
    """Floating-point numbers in a layer of a cache, in its lists and dictionaries too."""
    import torch

    if isinstance(part, torch.Tensor):
        return part.numel() if part.is_floating_point() and part.dim() > 1 else 0
    if isinstance(part, dict):
        return sum(_numbers(inner) for inner in part.values())
    if isinstance(part, list | tuple):
        return sum(_numbers(inner) for inner in part)
    return sum(_numbers(inner) for inner in vars(part).values()) if hasattr(part, "__dict__") else 0
