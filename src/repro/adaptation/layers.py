"""A frozen matrix with an adapter beside it, and a decoder made of such.

Legend: B sequences, T time, I inputs, O outputs, R rank, V vocabulary.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from repro.models.decoder import Decoder
from repro.models.positions import rotary_angles
from repro.models.transformer import Transformer
from repro.quantization.normal_float import NormalFloat, pairs_of, quantised, random_codes

Stored = NormalFloat | Tensor


class FromCodes(torch.autograd.Function):
    """The product x W^T (..., O) of x (..., I), with W unpacked for it alone: the backward pass unpacks it again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, stored: NormalFloat) -> Tensor:
        """The product."""
        ctx.stored = stored
        return x @ stored.dense(x.dtype).T

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of x alone; W is frozen."""
        return gradient @ ctx.stored.dense(gradient.dtype), None


class Adapted(nn.Module):
    """W x + 2 B A x: W frozen, A (R, I) and B (O, R) learn, in their own precision; B starts at zero.

    Fields: `stored` W, as codes or as numbers; `keeps` whether the backward pass keeps what it unpacked.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1, with alpha = 2 R.
    """

    def __init__(self, stored: Stored, outputs: int, inputs: int, rank: int, dtype: torch.dtype, keeps: bool) -> None:
        super().__init__()
        device = stored.packed.device if isinstance(stored, NormalFloat) else stored.device
        self.stored, self.keeps = stored, keeps
        self.down = nn.Parameter(torch.randn(rank, inputs, dtype=dtype, device=device) / math.sqrt(inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank, dtype=dtype, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O)."""
        learnt = (x.to(self.down.dtype) @ self.down.T) @ self.up.T
        return self._frozen(x) + 2 * learnt.to(x.dtype)

    def _frozen(self, x: Tensor) -> Tensor:
        if isinstance(self.stored, Tensor):
            return x @ self.stored.T
        if self.keeps:
            return x @ self.stored.dense(x.dtype).T
        return torch.as_tensor(FromCodes.apply(x, self.stored))  # type: ignore[no-untyped-call]


def adapted_decoder(
    shape: Decoder, base: str, rank: int, dtype: torch.dtype, *, device: str, keeps: bool, seed: int
) -> Transformer:
    """A decoder whose layers' matrices are frozen, with an adapter beside each; all else is frozen, in bf16.

    Args:
        base: "nf4" quantises random weights, "random nf4" draws the codes, "bfloat16" keeps numbers of 16 bits.
    """
    with torch.device("meta"):
        model = Transformer(shape)
    torch.manual_seed(seed)  # adapters
    generator = torch.Generator(device).manual_seed(seed)
    pairs = pairs_of(device)
    for block in model.blocks:
        for name, linear in [part for part in block.named_modules() if isinstance(part[1], nn.Linear)]:
            stored = _base(base, linear.out_features, linear.in_features, pairs, generator)
            parent, _, leaf = name.rpartition(".")
            layer = Adapted(stored, linear.out_features, linear.in_features, rank, dtype, keeps)
            setattr(block.get_submodule(parent), leaf, layer)
    for module in model.modules():
        for name, absent in [part for part in module.named_parameters(recurse=False) if part[1].is_meta]:
            setattr(module, name, _frozen_parameter(absent.shape, generator))
    angles = rotary_angles(shape.context, shape.head_width, shape.rope_base)
    model.cosines, model.sines = (part.to(device, torch.bfloat16) for part in angles)
    return model


def _base(base: str, outputs: int, inputs: int, pairs: Tensor, generator: torch.Generator) -> Stored:
    if base == "random nf4":
        return random_codes(outputs, inputs, pairs, generator)
    weights = torch.randn(outputs, inputs, device=pairs.device, generator=generator).div_(math.sqrt(inputs))
    return quantised(weights, pairs) if base == "nf4" else weights.bfloat16()


def _frozen_parameter(shape: torch.Size, generator: torch.Generator) -> nn.Parameter:
    if len(shape) == 1:
        value = torch.ones(shape, device=generator.device)
    else:
        value = torch.randn(shape, device=generator.device, generator=generator).div_(math.sqrt(shape[1]))
    return nn.Parameter(value.bfloat16(), requires_grad=False)


def logits(model: Transformer, tokens_BT: Tensor, *, recomputed: bool) -> Tensor:
    """(B, T, V) logits; the backward pass keeps each layer's activations, or has them `recomputed`."""
    time = tokens_BT.shape[1]
    rotation = model.cosines[:time], model.sines[:time]
    stream = model.embedding(tokens_BT)
    for block in model.blocks:
        if recomputed:
            stream = checkpoint(block, stream, rotation, None, use_reentrant=False)
        else:
            stream = block(stream, rotation, None)
    return torch.as_tensor(model.output(model.norm(stream)))
