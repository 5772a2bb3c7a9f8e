"""Norms, gates, sub-layers and lookups, each beside what it is said to be.

N vectors, T places, W width, I hidden width, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.architecture.blocks.configurations import Across, Gate, Lookup, Norms, SubLayers
from repro.models.decoder import Decoder
from repro.models.transformer import Attention, FeedForward

EPSILON = 1e-12  # small, so that it does not hide a difference


def _normal(*size: int, seed: int) -> Tensor:
    return torch.randn(size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rms_norm(x_NW: Tensor, gain_W: Tensor) -> Tensor:
    """x over its root mean square, times a gain; Zhang and Sennrich 2019 (arXiv:1910.07467), eq. 4."""
    return x_NW / (x_NW.square().mean(-1, keepdim=True) + EPSILON).sqrt() * gain_W


def norms(config: Norms, seed: int) -> dict[str, float]:
    """The numbers of `norm_identities`."""
    x_NW, gain_W = _normal(config.vectors + 1, config.width, seed=seed).split([config.vectors, 1])
    gain_W = gain_W[0]

    def layer(x_NW: Tensor) -> Tensor:
        return F.layer_norm(x_NW, (config.width,), weight=gain_W, eps=EPSILON)

    def apart(one: Tensor, other: Tensor) -> float:
        return float((one - other).abs().max())

    centred_NW = x_NW - x_NW.mean(-1, keepdim=True)
    theirs_NW = F.rms_norm(x_NW, (config.width,), weight=gain_W, eps=EPSILON)
    return {
        "torch": apart(rms_norm(x_NW, gain_W), theirs_NW),
        "centred": apart(rms_norm(centred_NW, gain_W), layer(x_NW)),
        "uncentred": apart(rms_norm(x_NW + config.added, gain_W), layer(x_NW + config.added)),
        "rms_moved": apart(rms_norm(x_NW + config.added, gain_W), rms_norm(x_NW, gain_W)),
        "layer_moved": apart(layer(x_NW + config.added), layer(x_NW)),
    }


def gate(config: Gate, seed: int) -> dict[str, float]:
    """The numbers of `gated_part`."""
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaMLP

    torch.manual_seed(seed)
    sizes = LlamaConfig(hidden_size=config.width, intermediate_size=config.hidden, num_attention_heads=1)
    theirs = LlamaMLP(sizes).double()
    x_NW = _normal(20, config.width, seed=seed)
    first_WI, gate_WI, second_IW = (part.weight.mT for part in (theirs.up_proj, theirs.gate_proj, theirs.down_proj))
    if config.swapped:
        first_WI, gate_WI = gate_WI, first_WI
    gated_NI = x_NW @ gate_WI
    ours_NW = ((x_NW @ first_WI) * (gated_NI * gated_NI.sigmoid())) @ second_IW
    with torch.no_grad():
        theirs_NW = theirs(x_NW)
        return {"difference": float((ours_NW - theirs_NW).abs().max() / theirs_NW.abs().max())}


def across(config: Across, seed: int) -> dict[str, float]:
    """The numbers of `places_read`."""
    torch.manual_seed(seed)
    shape = Decoder(vocabulary=8, width=config.width, layers=1, heads=2, context=config.tokens, positions="none")
    part = (FeedForward(shape) if config.part == "feed-forward" else Attention(shape, 0)).double()

    def output(x_TW: Tensor) -> Tensor:
        read: Tensor = part(x_TW[None]) if config.part == "feed-forward" else part(x_TW[None], None, None)
        return read[0]

    x_TW = _normal(config.tokens, config.width, seed=seed)
    jacobian_TT = torch.autograd.functional.jacobian(output, x_TW).abs().amax(dim=(1, 3))
    order_T = torch.randperm(config.tokens)
    return {
        "own": float(jacobian_TT.diagonal().min()),
        "others": float((jacobian_TT - jacobian_TT.diagonal().diag()).max()),
        "permuted": float((output(x_TW[order_T]) - output(x_TW)[order_T]).detach().abs().max()),
    }


@torch.no_grad()
def orders(config: SubLayers, seed: int) -> dict[str, float]:
    """The numbers of `sublayer_orders`."""
    torch.manual_seed(seed)
    part = nn.Sequential(
        nn.Linear(config.width, 4 * config.width), nn.GELU(), nn.Linear(4 * config.width, config.width)
    )
    part, norm = part.double(), nn.LayerNorm(config.width).double()
    x_NW = 1.5 * _normal(config.vectors, config.width, seed=seed)
    formula_NW, code_NW = norm(x_NW + part(x_NW)), x_NW + part(norm(x_NW))
    return {
        "apart": float((formula_NW - code_NW).norm() / code_NW.norm()),
        "formula_silent": float((norm(x_NW) - x_NW).norm() / x_NW.norm()),  # a sub-layer that gives 0
        "code_silent": float((x_NW + 0 * part(norm(x_NW)) - x_NW).norm() / x_NW.norm()),
    }


def lookup(config: Lookup, seed: int) -> dict[str, float]:
    """The numbers of `embedding_rows`."""
    generator = torch.Generator().manual_seed(seed)
    matrix_VW = _normal(config.vocabulary, config.width, seed=seed).requires_grad_()
    tokens_T = torch.randint(config.vocabulary, (config.tokens,), generator=generator)
    rows_TW = F.embedding(tokens_T, matrix_VW)
    product_TW = F.one_hot(tokens_T, config.vocabulary).double() @ matrix_VW
    (gradient_VW,) = torch.autograd.grad(rows_TW.square().sum(), matrix_VW)
    moved = int((gradient_VW.abs().amax(-1) > 0).sum())
    return {
        "difference": float((rows_TW - product_TW).detach().abs().max()),
        "more_rows": moved - len(tokens_T.unique()),
    }
