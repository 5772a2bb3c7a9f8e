"""Decoders in float64 whose heads are grouped, and the multi-head ones that compute the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repro.models.decoder import Decoder

if TYPE_CHECKING:
    from repro.models.transformer import Transformer


def random_model(shape: Decoder, seed: int) -> Transformer:
    """A decoder in float64 with random weights."""
    import torch

    from repro.models.transformer import Transformer

    torch.manual_seed(seed)
    return Transformer(shape).double().eval()


def with_repeated_heads(model: Transformer) -> Transformer:
    """The multi-head model that computes the same: each key and value projection repeated for its group."""
    from repro.models.transformer import Transformer

    shape = model.shape
    state = model.state_dict()
    for name, matrix in state.items():
        if name.endswith(("attention.key.weight", "attention.value.weight")):
            by_head = matrix.unflatten(0, (shape.key_value_heads, shape.head_width))
            state[name] = by_head.repeat_interleave(shape.heads // shape.key_value_heads, dim=0).flatten(0, 1)
    whole = Transformer(replace(shape, kv_heads=shape.heads)).double().eval()
    whole.load_state_dict(state)
    return whole
