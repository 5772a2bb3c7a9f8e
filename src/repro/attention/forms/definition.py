"""Attention as it is written down: the pseudocode, the scale, the mask, and what may read what.

B batch, H heads, T time of queries, S time of keys, D width of a head, W width of the model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.attention.forms.configurations import Crossed, Definition, Filled, Saturation, Seen


def _normal(*size: int, generator: torch.Generator) -> Tensor:
    return torch.randn(size, dtype=torch.float64, generator=generator)


def beside_torch(config: Definition, seed: int) -> dict[str, float]:
    """The numbers of `definition`."""
    generator = torch.Generator().manual_seed(seed)
    width, time = config.width, config.tokens
    weights = [_normal(width, width, generator=generator) / width**0.5 for _ in range(4)]
    x_BTW = _normal(2, time, width, generator=generator)
    seen_TT = torch.ones(time, time, dtype=torch.bool).tril() if config.masked else None
    ours_BTW, weights_BHTS = as_written(x_BTW, *weights, config=config, seen_TT=seen_TT)
    theirs = nn.MultiheadAttention(width, config.heads, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([matrix.mT for matrix in weights[:3]]))
        theirs.out_proj.weight.copy_(weights[3].mT)
        hidden_TT = None if seen_TT is None else ~seen_TT
        theirs_BTW, _ = theirs(x_BTW, x_BTW, x_BTW, attn_mask=hidden_TT)
    return {
        "difference": float((ours_BTW - theirs_BTW).abs().max()),
        "rows": float((weights_BHTS.sum(-1) - 1).abs().max()),
    }


def as_written(
    x_BTW: Tensor,
    query_WW: Tensor,
    key_WW: Tensor,
    value_WW: Tensor,
    output_WW: Tensor,
    *,
    config: Definition,
    seen_TT: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """What article E's pseudocode returns: outputs (B, T, W) and weights (B, H, T, S)."""
    batch, time, width = x_BTW.shape
    parts = [x_BTW @ matrix for matrix in (query_WW, key_WW, value_WW)]
    if config.written == "heads cut from tokens":  # the transposition left out
        query, key, value = (part.reshape(batch, config.heads, time, -1) for part in parts)
    else:
        query, key, value = (part.reshape(batch, time, config.heads, -1).transpose(1, 2) for part in parts)
    scores_BHTS = query @ key.mT
    if config.written != "without the scale":
        scores_BHTS = scores_BHTS / math.sqrt(query.shape[-1])
    if seen_TT is not None:
        scores_BHTS = scores_BHTS.masked_fill(~seen_TT, -1e9)
    weights_BHTS = scores_BHTS.softmax(-1)
    return (weights_BHTS @ value).transpose(1, 2).reshape(batch, time, width) @ output_WW, weights_BHTS


def how_sharp(config: Saturation, seed: int) -> dict[str, float]:
    """The numbers of `saturation`."""
    generator = torch.Generator().manual_seed(seed)
    query_TD = _normal(config.queries, config.key_width, generator=generator)
    key_SD = _normal(config.keys, config.key_width, generator=generator)
    scores_TS = query_TD @ key_SD.mT
    divisor = {"none": 1.0, "root of the width": config.key_width**0.5, "width": float(config.key_width)}
    weights_TS = (scores_TS / divisor[config.divided_by]).softmax(-1)
    square_TS = weights_TS.square()
    diagonal_T = (square_TS * (1 - weights_TS).square()).sum(-1)  # of diag(w) - w w', whose norm is Frobenius'
    beside_T = (square_TS.sum(-1).square() - square_TS.square().sum(-1)).clamp(min=0)
    return {
        "deviation": float(scores_TS.std()),
        "largest": float(weights_TS.max(-1).values.mean()),
        "gradient": float((diagonal_T + beside_T).sqrt().mean()),
    }


def filled(config: Filled, seed: int) -> dict[str, float | None]:
    """The numbers of `filled_weights`."""
    dtype = getattr(torch, config.dtype)
    time = config.tokens
    scores_TT = _normal(time, time, generator=torch.Generator().manual_seed(seed)).to(dtype)
    hidden_TT = ~torch.ones(time, time, dtype=torch.bool).tril()
    try:
        masked_TT = scores_TT.masked_fill(hidden_TT, config.fill).softmax(-1)
    except RuntimeError:  # the number does not fit the format
        return {"taken": 0.0, "hidden": None, "none_visible": None}
    alone_T = scores_TT[0].masked_fill(torch.ones(time, dtype=torch.bool), config.fill).softmax(-1)
    return {
        "taken": 1.0,
        "hidden": float(masked_TT[hidden_TT].max()),
        "none_visible": None if alone_T.isnan().any() else float(alone_T.sum()),
    }


def who_reads_whom(config: Seen, seed: int) -> dict[str, float]:
    """The numbers of `seen_pairs`."""
    generator = torch.Generator().manual_seed(seed)
    time, width = config.tokens, config.width
    matrices = [_normal(width, width, generator=generator) / width**0.5 for _ in range(3)]
    x_TW = _normal(time, width, generator=generator)
    seen_TT = {
        "none": torch.ones(time, time, dtype=torch.bool),
        "causal": torch.ones(time, time, dtype=torch.bool).tril(),
        "shifted by one": torch.ones(time, time, dtype=torch.bool).tril(1),
    }[config.mask]

    def layer(x_TW: Tensor) -> Tensor:
        query_TW, key_TW, value_TW = (x_TW @ matrix for matrix in matrices)
        scores_TT = (query_TW @ key_TW.mT / width**0.5).masked_fill(~seen_TT, -math.inf)
        read_TW: Tensor = scores_TT.softmax(-1) @ value_TW
        return read_TW

    jacobian_TWTW = torch.autograd.functional.jacobian(layer, x_TW)
    moved_TT = jacobian_TWTW.abs().amax(dim=(1, 3))
    return {
        "pairs": float((moved_TT > 0).double().mean()),
        "ahead": float(moved_TT.triu(1).max()),
    }


def from_another_sequence(config: Crossed, seed: int) -> dict[str, float]:
    """The numbers of `cross_attention`."""
    generator = torch.Generator().manual_seed(seed)
    query_TD = _normal(config.queries, config.width, generator=generator)
    source_SD = _normal(config.keys, config.width, generator=generator).requires_grad_()
    to_key, to_value = (_normal(config.width, config.width, generator=generator) / config.width**0.5 for _ in "kv")
    order_S = torch.randperm(config.keys, generator=generator)
    keys_SD, values_SD = source_SD @ to_key, source_SD @ to_value
    read_TD = F.scaled_dot_product_attention(query_TD, keys_SD, values_SD)
    together_TD = F.scaled_dot_product_attention(query_TD, keys_SD[order_S], values_SD[order_S])
    keys_alone_TD = F.scaled_dot_product_attention(query_TD, keys_SD[order_S], values_SD)
    (gradient_SD,) = torch.autograd.grad(read_TD.sum(), source_SD)
    return {
        "length": len(read_TD),
        "permuted": float((together_TD - read_TD).detach().abs().max()),
        "keys_alone": float((keys_alone_TD - read_TD).detach().abs().max()),
        "read": float((gradient_SD.abs().amax(-1) > 0).double().mean()),
    }
