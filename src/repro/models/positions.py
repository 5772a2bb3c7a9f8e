"""How a decoder knows where a token stands: rotary, sinusoidal or linear-bias positions.

B batch, H heads, T time (queries), S time (keys), D width of a head, W width of the model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def rotary_angles(time: int, head_width: int, base: float, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (time, head_width), of position times frequency base^(-2i / head_width).

    Source: Su et al. 2021 (arXiv:2104.09864), eq. 15; both halves of a head hold the same frequencies, as in Llama.
    """
    frequencies = base ** (-torch.arange(0, head_width, 2, dtype=torch.float64) / head_width)
    angles = torch.outer(torch.arange(time, dtype=torch.float64), frequencies)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x_BHTD: Tensor, cosines_TD: Tensor, sines_TD: Tensor) -> Tensor:
    """Turn the pairs (i, i + D/2) of each head by its position's angles; lengths are unchanged."""
    first, second = x_BHTD.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return x_BHTD * cosines_TD.to(x_BHTD.dtype) + turned * sines_TD.to(x_BHTD.dtype)


def sinusoids(time: int, width: int) -> Tensor:
    """(time, width) fixed position vectors; Vaswani et al. 2017 (arXiv:1706.03762), sec. 3.5."""
    angles = torch.outer(torch.arange(time), 10_000.0 ** (-torch.arange(0, width, 2) / width))
    table = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    return table[:, :width]


def linear_bias_slopes(heads: int) -> Tensor:
    """(heads,) slopes 2^(-8h/heads), h = 1, 2, ...

    Source: Press et al. 2021 (arXiv:2108.12409), sec. 3, whose geometric sequence is kept for any number of heads.
    """
    return 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)


def linear_bias(queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """(heads, T, S) added to attention scores: minus the slope times the distance; keys to come get minus infinity.

    Args:
        queries: (T,) positions of the queries.
        keys: (S,) positions of the keys.
    """
    distance_TS = queries[:, None] - keys[None, :]
    bias_HTS = -linear_bias_slopes(heads)[:, None, None].to(queries.device) * distance_TS
    return bias_HTS.masked_fill(distance_TS < 0, -math.inf)
