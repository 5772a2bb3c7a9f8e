"""The key-value cache of a decoder.

B batch, K key-value heads, S time held, T time added, D width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.models.decoder import Decoder


class Cache:
    """Keys and values of past tokens, one pair of buffers a layer, allocated whole at the start.

    Fields: `keys`, `values` (layers, batch, kv_heads, capacity, head_width); `length` tokens held.
    """

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
