"""A cache that is concatenated with each new token, as transformers' DynamicCache is.

B batch, K key-value heads, S time held, T time added, D width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.models.cache import Cache


class ConcatenatedCache(Cache):
    """The tokens of another cache, but grown by copying all of them into new memory at each step."""

    def __init__(self, start: Cache) -> None:
        self.keys, self.values, self.length = start.keys, start.values, start.length
        self._held = [(keys[:, :, : self.length], values[:, :, : self.length])
                      for keys, values in zip(start.keys, start.values, strict=True)]  # fmt: skip

    def extend(self, layer: int, keys_BKTD: Tensor, values_BKTD: Tensor) -> tuple[Tensor, Tensor]:
        """Copy a layer's old and new keys and values together; returns all of them, (B, K, S + T, D) each."""
        keys, values = self._held[layer]
        self._held[layer] = torch.cat([keys, keys_BKTD], dim=2), torch.cat([values, values_BKTD], dim=2)
        return self._held[layer]

    def crop(self, length: int) -> None:
        """Forget the tokens after `length`; their memory stays held until the next step."""
        super().crop(length)
        self._held = [(keys[:, :, :length], values[:, :, :length]) for keys, values in self._held]
