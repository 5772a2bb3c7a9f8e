"""The key-value cache of a decoder.

B batch, K key-value heads, S time held, T time added, D width of a head.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from repro.models.decoder import Decoder


class KeyValueCache(Protocol):
    """A cache as a decoder uses it, however it stores its tokens.

    Fields: `length` tokens held of the longest sequence; `mask` (B, 1, T, S) what each new token may see, where
    sequences differ in length, else None: all up to itself.
    """

    length: int
    mask: Tensor | None

    def places(self, time: int) -> slice | Tensor:
        """Positions of the next `time` tokens: one range for all sequences, or (B, 1, T) of each."""

    def extend(self, layer: int, keys_BKTD: Tensor, values_BKTD: Tensor) -> tuple[Tensor, Tensor]:
        """Hold a layer's new keys and values; returns those of all tokens, (B, K, S, D) each."""

    def advance(self, time: int) -> None:
        """Count `time` tokens as held, once every layer has given them."""


class Cache:
    """Keys and values of past tokens, a pair of buffers per layer, allocated whole at the start.

    Fields: `keys`, `values` (layers, batch, kv_heads, capacity, head_width); `length` tokens held.
    """

    mask: Tensor | None = None

    def __init__(
        self, shape: Decoder, batch: int, capacity: int, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
    ) -> None:
        size = (shape.layers, batch, shape.key_value_heads, capacity, shape.head_width)
        self.keys = torch.zeros(size, dtype=dtype, device=device)
        self.values = torch.zeros(size, dtype=dtype, device=device)
        self.length = 0

    @property
    def capacity(self) -> int:
        return self.keys.shape[3]

    @property
    def bytes(self) -> int:
        """Bytes of both buffers, used or not."""
        return self.keys.nbytes + self.values.nbytes

    def places(self, time: int) -> slice:
        """Positions of the next `time` tokens."""
        return slice(self.length, self.length + time)

    def extend(self, layer: int, keys_BKTD: Tensor, values_BKTD: Tensor) -> tuple[Tensor, Tensor]:
        """Write a layer's new keys and values behind those held; returns all of them, (B, K, S + T, D) each.

        Raises:
            ValueError: they do not fit into the capacity.
        """
        end = self.length + keys_BKTD.shape[2]
        if end > self.capacity:
            raise ValueError(f"{end} tokens do not fit into a cache of {self.capacity}; allocate a larger one")
        self.keys[layer, :, :, self.length : end] = keys_BKTD
        self.values[layer, :, :, self.length : end] = values_BKTD
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, time: int) -> None:
        """Count `time` tokens as held, once every layer has written them."""
        self.length += time

    def crop(self, length: int) -> None:
        """Forget the tokens after `length`; the buffers stay allocated."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot crop to {length} tokens; the cache holds {self.length}")
        self.length = length


class GrowingCache(Cache):
    """A cache that grows by concatenation: each extension copies all that is held into new tensors.

    Fields: `layers` keys and values of each layer, (batch, kv_heads, length, head_width) each.
    """

    def __init__(self, shape: Decoder, batch: int, *, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
        empty = torch.empty((batch, shape.key_value_heads, 0, shape.head_width), dtype=dtype, device=device)
        self.layers = [(empty, empty)] * shape.layers
        self.length = 0

    @classmethod
    def of(cls, cache: Cache) -> GrowingCache:
        """A growing cache of the tokens of another cache, whose memory it shares until the next extension."""
        growing = cls.__new__(cls)
        growing.length = end = cache.length
        growing.layers = [(k[:, :, :end], v[:, :, :end]) for k, v in zip(cache.keys, cache.values, strict=True)]
        return growing

    @property
    def capacity(self) -> int:
        """The tokens held: there is no room beyond."""
        return self.length

    @property
    def bytes(self) -> int:
        """Bytes of the keys and values of the tokens held; after `crop` more stay allocated."""
        return sum(keys.nbytes + values.nbytes for keys, values in self.layers)

    def extend(self, layer: int, keys_BKTD: Tensor, values_BKTD: Tensor) -> tuple[Tensor, Tensor]:
        """Join a layer's new keys and values to those held; returns all of them, (B, K, S + T, D) each."""
        keys = torch.cat([self.layers[layer][0], keys_BKTD], dim=2)
        # The pair is replaced one by one, so that the old keys are free before the values are copied.
        self.layers[layer] = (keys, self.layers[layer][1])
        self.layers[layer] = (keys, torch.cat([self.layers[layer][1], values_BKTD], dim=2))
        return self.layers[layer]

    def crop(self, length: int) -> None:
        """Forget the tokens after `length`: a view of what is held, which stays allocated until the next extension."""
        super().crop(length)
        self.layers = [(keys[:, :, :length], values[:, :, :length]) for keys, values in self.layers]
