"""Four ways to let query heads read the keys and values that they share; equal numbers, unequal times.

B batch, H query heads, K key-value heads, G = H / K query heads per key, T time of queries, S time of keys, D width of
a head.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from repro.models.transformer import Attention, Mix, Transformer, fused


def grouped(
    query_BHTD: Tensor, key_BKSD: Tensor, value_BKSD: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Two batched products per key-value head, with all queries of its group as rows of one matrix.

    Args:
        mask: (T, S), true where a query may look.
        causal: the mask of a whole sequence, T = S.

    Source: Shazeer 2019 (arXiv:1911.02150), section 3, for one group; Ainslie et al. 2023 (arXiv:2305.13245).
    """
    B, H, T, D = query_BHTD.shape
    K, S = key_BKSD.shape[1:3]
    if causal:
        mask = torch.ones(T, S, dtype=torch.bool, device=query_BHTD.device).tril()
    rows = (query_BHTD * D**-0.5).reshape(B, K, H // K * T, D)
    scores = rows @ key_BKSD.transpose(-1, -2)
    if mask is not None:
        scores = scores.view(B, K, H // K, T, S).masked_fill(~mask, -math.inf).flatten(2, 3)
    read: Tensor = scores.softmax(-1) @ value_BKSD
    return read.reshape(query_BHTD.shape)


def packed(
    query_BHTD: Tensor, key_BKSD: Tensor, value_BKSD: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """PyTorch's kernel over K heads, a group's queries side by side in the place of time; one step of decoding alone.

    Raises:
        ValueError: several time steps, or a mask.

    Source: `pack_gqa` of transformers 5.23, which takes this way where a cache brings a mask.
    """
    if query_BHTD.shape[2] != 1 or mask is not None:
        raise ValueError(f"packed reads for one new token without a mask; got {query_BHTD.shape[2]} tokens")
    rows = query_BHTD.reshape(len(query_BHTD), key_BKSD.shape[1], -1, query_BHTD.shape[-1])
    return fused(rows, key_BKSD, value_BKSD).reshape(query_BHTD.shape)


def repeated(
    query_BHTD: Tensor, key_BKSD: Tensor, value_BKSD: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """PyTorch's kernel after each key-value head was copied for every query head of its group.

    A single head needs no copy: expanding it is a view.

    Source: `repeat_kv` of transformers.
    """
    B, K, S, D = key_BKSD.shape
    G = query_BHTD.shape[1] // K
    key_BHSD, value_BHSD = (
        shared[:, :, None].expand(B, K, G, S, D).reshape(B, K * G, S, D) for shared in (key_BKSD, value_BKSD)
    )
    return fused(query_BHTD, key_BHSD, value_BHSD, mask, causal)


KERNELS: dict[str, Mix] = {"matmul": grouped, "enable_gqa": fused, "packed": packed, "repeated": repeated}


def use_kernel(model: Transformer, mix: Mix) -> None:
    """Let every attention layer of a model read by this kernel."""
    for module in model.modules():
        if isinstance(module, Attention):
            module.mix = mix
