"""What a built model keeps of each token: read off its cache after a forward pass on the meta device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

SHORT, LONG = 2, 4  # tokens of two passes: what grows between them is kept of each token, the rest of a sequence


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


def kept_by_layer(decoder: nn.Module, layers: int) -> list[Kept]:
    """What each layer of a decoder keeps.

    Raises:
        ValueError: the decoder does not run on the meta device, or gives no cache that can be read.
    """
    short, long = _cache(decoder, SHORT), _cache(decoder, LONG)
    kept = [_kept(one, other) for one, other in zip(short, long, strict=True)]
    if len(kept) > layers:
        raise ValueError(f"its cache has {len(kept)} layers, the model {layers}")
    return kept + [Kept()] * (layers - len(kept))


def _cache(decoder: nn.Module, tokens: int) -> list[Any]:
    """The layers of the cache after so many tokens; recurrent models without such a cache give their tensors as one."""
    import torch

    with torch.no_grad(), torch.device("meta"):
        try:
            output = decoder(input_ids=torch.zeros(1, tokens, dtype=torch.long), use_cache=True)
        except Exception as error:  # a foreign model may fail anywhere
            told = (str(error).strip() or "no reason given").splitlines()[0]
            raise ValueError(f"it does not run without memory ({type(error).__name__}: {told})") from error
    for name in ("past_key_values", "cache_params", "state"):
        cache = getattr(output, name, None)
        cache = getattr(cache, "self_attention_cache", cache)  # a decoder that reads an encoder keeps two
        if cache is not None:
            return list(getattr(cache, "layers", None) or [cache])
    raise ValueError("it keeps no cache")


def _kept(short: Any, long: Any) -> Kept:
    keys: Any = getattr(long, "keys", None)
    values: Any = getattr(long, "values", None)
    growing = _numbers(long) - _numbers(short)
    state = _numbers(short) - growing * SHORT // (LONG - SHORT)
    if not hasattr(keys, "dim") or keys.dim() != 4:
        return Kept(state=state)
    return Kept(
        key_heads=keys.shape[1],
        key_width=keys.shape[-1],
        value_width=values.shape[-1],
        window=getattr(long, "sliding_window", None),
        state=state,
    )


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
