"""Random decoders in double precision whose places, tokens or encoding change.

B batch, H heads, K key-value heads, T time, S time of keys, D width of a head, W width of the model.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.architecture.positions.configurations import Biases, Permuted, Placed, PositionTable
from repro.attention.kernels import use_kernel
from repro.models.positions import linear_bias, linear_bias_slopes, rotary_angles, sinusoids
from repro.models.transformer import Transformer


@torch.no_grad()
def moved(config: Placed, seed: int) -> dict[str, float]:
    """The numbers of `moved_states`."""
    model = _random_model(config, seed)
    tokens_BT = torch.randint(config.shape.vocabulary, (1, config.tokens))
    before_BTW = model.hidden(tokens_BT)
    after_BTW = _at_places(model, config.shift).hidden(tokens_BT)
    bare = Transformer(replace(config.shape, positions="none")).double()
    bare.load_state_dict(model.state_dict(), strict=False)
    streams = [_entering_first_block(each, tokens_BT) for each in (model, bare)]
    return {
        "moved": float((after_BTW - before_BTW).abs().max()),
        "added": float((streams[0] - streams[1]).abs().max()),
        "read": float((before_BTW - bare.hidden(tokens_BT)).abs().max()),
        "parameters": sum(part.numel() for part in model.parameters())
        - sum(part.numel() for part in bare.parameters()),
    }


def _random_model(config: Placed | Permuted, seed: int) -> Transformer:
    torch.manual_seed(seed)
    model = Transformer(config.shape).double()
    if config.shape.positions == "rope":  # the decoder's own tables are rounded to single precision
        tables = rotary_angles(config.shape.context, config.shape.head_width, config.shape.rope_base, torch.float64)
        model.cosines, model.sines = tables
    return model


def _at_places(model: Transformer, shift: int) -> Transformer:
    """The same decoder with every token `shift` places further on."""
    later = copy.deepcopy(model)
    kind = model.shape.positions
    if kind == "rope":
        later.cosines, later.sines = model.cosines[shift:], model.sines[shift:]
    elif kind == "learned":
        later.position_embedding.weight = nn.Parameter(model.position_embedding.weight[shift:])
    elif kind == "sinusoidal":
        later.sinusoids = sinusoids(model.shape.context, model.shape.width).double()[shift:]
    elif kind == "alibi":
        use_kernel(later, partial(_biased_from, shift))
    return later


def _biased_from(
    shift: int, query_BHTD: Tensor, key_BKSD: Tensor, value_BKSD: Tensor, mask: Tensor | None, causal: bool
) -> Tensor:
    """Attention with the biases of places that begin at `shift`."""
    places_T = torch.arange(query_BHTD.shape[2]) + shift
    bias_HTS = linear_bias(places_T, places_T, query_BHTD.shape[1]).to(query_BHTD.dtype)
    return F.scaled_dot_product_attention(query_BHTD, key_BKSD, value_BKSD, attn_mask=bias_HTS)


def _entering_first_block(model: Transformer, tokens_BT: Tensor) -> Tensor:
    """The residual stream (B, T, W) before anything has read it."""
    caught: list[Tensor] = []
    handle = model.blocks[0].register_forward_pre_hook(lambda block, inputs: caught.append(inputs[0]))
    model.hidden(tokens_BT)
    handle.remove()
    return caught[0]


@torch.no_grad()
def permuted(config: Permuted, seed: int) -> dict[str, float]:
    """The numbers of `permuted_states`."""
    model = _random_model(config, seed)
    if not config.causal:
        use_kernel(model, lambda q, k, v, mask, causal: F.scaled_dot_product_attention(q, k, v))
    tokens_T = torch.randperm(config.shape.vocabulary)[: config.tokens]
    order_T = torch.cat([torch.randperm(config.tokens - 1), torch.tensor([config.tokens - 1])])
    before_TW, after_TW = model.hidden(tokens_T[None])[0], model.hidden(tokens_T[order_T][None])[0]
    return {
        "last": float((after_TW[-1] - before_TW[-1]).abs().max()),
        "all": float((after_TW - before_TW[order_T]).abs().max()),
    }


def biases(config: Biases) -> dict[str, float]:
    """The numbers of `linear_biases`."""
    places_T = torch.arange(config.time)
    found_HTT = linear_bias(places_T, places_T, config.heads).double()
    slopes_H = torch.tensor([2 ** (-8 * head / config.heads) for head in range(1, config.heads + 1)])
    seen_TT = places_T[:, None] >= places_T
    told_HTT = -slopes_H.double()[:, None, None] * (places_T[:, None] - places_T)
    published_H = torch.tensor(sorted(published_slopes(config.heads), reverse=True))  # a head has no number of its own
    return {
        "difference": float((found_HTT - told_HTT)[:, seen_TT].abs().max()),
        "published": float((linear_bias_slopes(config.heads) - published_H).abs().max()),
    }


def published_slopes(heads: int) -> list[float]:
    """The slopes of the authors' code, which fills up a number that is no power of two from the next longer row.

    Source: Press et al. 2021 (arXiv:2108.12409), ofirpress/attention_with_linear_biases, get_slopes.
    """
    lower = 2 ** (heads.bit_length() - 1)
    slopes = [2 ** (-8 * head / lower) for head in range(1, lower + 1)]
    return slopes if lower == heads else slopes + published_slopes(2 * lower)[::2][: heads - lower]


def lengths_taken(config: PositionTable) -> dict[str, list[int]]:
    """The numbers of `lengths_refused`."""
    from transformers import GPT2Config, GPT2Model

    sizes: dict[str, Any] = {"vocab_size": 8, "n_positions": config.rows, "n_embd": 8, "n_layer": 1, "n_head": 1}
    tiny = GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)
    model = GPT2Model(tiny).eval()
    refused: list[int] = []
    for length in config.lengths:
        with _counted(refused), torch.no_grad():
            model(torch.zeros(1, length, dtype=torch.long))
    return {"lengths": list(config.lengths), "refused": refused}


@contextmanager
def _counted(refused: list[int]) -> Iterator[None]:
    """Note 1 if what runs inside asks for a row that the table does not have, else 0."""
    try:
        yield
    except IndexError:
        refused.append(1)
    else:
        refused.append(0)
