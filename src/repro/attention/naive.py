"""Attention written out as two papers define it, loop by loop; slow, and without any notion of a group.

B batch, H query heads, T time of queries, S time of keys, D width of a head.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def multi_head(
    query_BHTD: Tensor, key_BHSD: Tensor, value_BHSD: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Each query head reads keys and values of its own.

    Raises:
        ValueError: fewer key-value heads than query heads, or a mask that is not the causal one.

    Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.
    """
    _refuse_unfit(key_BHSD.shape[1], query_BHTD.shape[1], mask, causal)
    read = torch.empty_like(query_BHTD)
    for batch in range(query_BHTD.shape[0]):
        for head in range(query_BHTD.shape[1]):
            read[batch, head] = _one_head(query_BHTD[batch, head], key_BHSD[batch, head], value_BHSD[batch, head])
    return read


def multi_query(
    query_BHTD: Tensor, key_B1SD: Tensor, value_B1SD: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """All query heads read the only keys and values.

    Raises:
        ValueError: several key-value heads, or a mask that is not the causal one.

    Source: Shazeer 2019 (arXiv:1911.02150), section 3.
    """
    _refuse_unfit(key_B1SD.shape[1], 1, mask, causal)
    read = torch.empty_like(query_BHTD)
    for batch in range(query_BHTD.shape[0]):
        for head in range(query_BHTD.shape[1]):
            read[batch, head] = _one_head(query_BHTD[batch, head], key_B1SD[batch, 0], value_B1SD[batch, 0])
    return read


def _one_head(query_TD: Tensor, key_TD: Tensor, value_TD: Tensor) -> Tensor:
    """For each query the mean of the values up to its own place, weighted by exp(query . key / sqrt D)."""
    rows = []
    for time, query in enumerate(query_TD):
        scores = [float(query @ key) / math.sqrt(len(query)) for key in key_TD[: time + 1]]
        weights = [math.exp(score - max(scores)) for score in scores]
        total = math.fsum(weights)
        rows.append(sum(weight / total * value for weight, value in zip(weights, value_TD, strict=False)))
    return torch.stack([torch.as_tensor(row) for row in rows])


def _refuse_unfit(heads: int, expected: int, mask: Tensor | None, causal: bool) -> None:
    if heads != expected:
        raise ValueError(f"{heads} key-value heads; expected {expected}")
    if mask is not None or not causal:
        raise ValueError("the loops know the causal mask of a whole sequence alone")
