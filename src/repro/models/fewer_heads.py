"""A trained decoder with fewer key-value heads, the conversion with which uptraining begins."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from repro.models.transformer import Transformer

POOLINGS = ("mean", "first", "random")


def with_fewer_heads(model: Transformer, kv_heads: int, pooling: str, seed: int = 0) -> Transformer:
    """A copy of the model in which groups of neighbouring query heads share `kv_heads` key-value heads.

    Args:
        pooling: the shared head is the mean of those that it stands for, the first of them, or random.
        seed: of random heads.

    Raises:
        ValueError: another pooling, or heads that do not divide.

    Source: Ainslie et al. 2023 (arXiv:2305.13245), section 2.1 and fig. 4.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling is {pooling!r}; expected one of {', '.join(POOLINGS)}")
    before = model.shape.key_value_heads
    if kv_heads < 1 or before % kv_heads:
        raise ValueError(f"{before} key-value heads cannot be pooled into {kv_heads}; give a divisor of {before}")
    generator = torch.Generator().manual_seed(seed)

    def pool(matrix: Tensor) -> Tensor:
        groups = matrix.detach().unflatten(0, (kv_heads, before // kv_heads, model.shape.head_width))
        if pooling == "mean":
            return groups.mean(1).flatten(0, 1)
        if pooling == "first":
            return groups[:, 0].flatten(0, 1)
        noise = torch.randn(groups[:, 0].shape, generator=generator, dtype=matrix.dtype).flatten(0, 1)
        return noise * matrix.shape[1] ** -0.5  # as a decoder's matrices start

    converted = Transformer(replace(model.shape, kv_heads=kv_heads)).to(model.embedding.weight.dtype)
    state = {
        name: pool(matrix) if name.endswith(("attention.key.weight", "attention.value.weight")) else matrix
        for name, matrix in model.state_dict().items()
    }
    converted.load_state_dict(state)
    return converted.eval()
