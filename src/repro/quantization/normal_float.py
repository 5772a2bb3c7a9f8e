"""4-bit NormalFloat: weights as places in a table of 16 levels, with a scale per block, the scales quantised again.

Legend: O outputs, I inputs of a matrix, N its weights.
Source: Dettmers et al. 2023 (arXiv:2305.14314), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

BLOCK, OUTER = 64, 256  # weights that share a scale; scales that share an outer scale
LARGEST = torch.finfo(torch.float8_e4m3fn).max
PIECES = 16  # in which a matrix is unpacked, so that what stands beside the result stays small


def levels() -> Tensor:
    """(16,) from -1 to 1: 8 quantiles of the normal distribution above 0, 7 below, and 0 itself.

    Source: Dettmers et al. 2023, section 3 and appendix E; the outermost quantile lies halfway between those of 30
    and of 32 values, as in `create_normal_map` of bitsandbytes.
    """
    outermost = 1 - (1 / 30 + 1 / 32) / 2
    sides = [
        [NormalDist().inv_cdf(outermost + (0.5 - outermost) * place / number) for place in range(number)]
        for number in (8, 7)
    ]
    values = [-value for value in sides[1]] + [0.0] + sides[0][::-1]
    return torch.tensor(values, dtype=torch.float64).div(max(values)).float()


@dataclass(eq=False)
class NormalFloat:
    """A matrix (O, I) in about 4.127 bits per weight.

    Fields: `packed` (N / 2,) bytes of two places in the table, the earlier weight in the high bits; `scales` (N / 64,)
    8-bit floats: the scale of each block, from which `mean` was subtracted, over `outer` (N / 64 / 256,); `pairs` (256,
    2) the levels that a byte stands for, shared by all matrices.
    """

    packed: Tensor
    scales: Tensor
    outer: Tensor
    mean: Tensor
    pairs: Tensor
    outputs: int
    inputs: int

    def absmax(self) -> Tensor:
        """(N / 64,) the scale of each block."""
        outer = self.outer.repeat_interleave(OUTER)[: self.scales.numel()]
        return self.scales.float().mul_(outer).add_(self.mean)

    def dense(self, dtype: torch.dtype = torch.bfloat16) -> Tensor:
        """(O, I) the weights, multiplied out in single precision and rounded once."""
        weights = torch.empty(self.outputs, self.inputs, dtype=dtype, device=self.packed.device)
        flat, absmax = weights.view(-1), self.absmax()
        blocks = absmax.numel()
        step = -(-blocks // PIECES)
        for start in range(0, blocks, step):
            end = min(start + step, blocks)
            piece = self.pairs[self.packed[start * BLOCK // 2 : end * BLOCK // 2].int()]
            flat[start * BLOCK : end * BLOCK] = piece.view(-1, BLOCK).mul_(absmax[start:end, None]).view(-1)
        return weights

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors that are stored of this matrix alone."""
        return [self.packed, self.scales, self.outer, self.mean]


def pairs_of(device: torch.device | str = "cpu") -> Tensor:
    """(256, 2) the two levels of each byte."""
    table, byte = levels(), torch.arange(256)
    return torch.stack([table[byte >> 4], table[byte & 15]], dim=1).to(device)


def quantised(weights: Tensor, pairs: Tensor | None = None) -> NormalFloat:
    """A matrix with every weight rounded to the nearest level, in blocks along the rows.

    Raises:
        ValueError: the weights do not fill whole blocks.
    """
    _refuse_part_of_block(weights.numel(), tuple(weights.shape))
    blocks = weights.detach().float().reshape(-1, BLOCK)
    absmax = blocks.abs().amax(dim=1)
    table = levels().to(weights.device)
    shares = blocks / absmax.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
    places = torch.bucketize(shares, (table[1:] + table[:-1]) / 2).to(torch.uint8).reshape(-1, 2)
    packed = (places[:, 0] << 4) | places[:, 1]
    scales, outer, mean = _scales(absmax)
    pairs = pairs_of(weights.device) if pairs is None else pairs
    return NormalFloat(packed, scales, outer, mean, pairs, *weights.shape)


def _scales(absmax: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The scales as 8-bit floats around their mean, an outer scale for each 256 of them, and the mean."""
    mean = absmax.mean()
    padded = torch.nn.functional.pad(absmax - mean, (0, -absmax.numel() % OUTER)).view(-1, OUTER)
    outer = (padded.abs().amax(dim=1) / LARGEST).clamp(min=torch.finfo(torch.float32).tiny)
    scales = (padded / outer[:, None]).view(-1)[: absmax.numel()]
    return scales.to(torch.float8_e4m3fn), outer, mean


def random_codes(outputs: int, inputs: int, pairs: Tensor, generator: torch.Generator) -> NormalFloat:
    """A matrix of random bytes, which nobody quantised: as large as a true one, with weights of variance 1 / inputs.

    Raises:
        ValueError: the weights do not fill whole blocks.
    """
    number, device = outputs * inputs, pairs.device
    _refuse_part_of_block(number, (outputs, inputs))
    packed = torch.randint(0, 256, (number // 2,), dtype=torch.uint8, device=device, generator=generator)
    blocks = number // BLOCK
    scales = torch.zeros(blocks, dtype=torch.float8_e4m3fn, device=device)
    mean = (inputs * levels().square().mean()).rsqrt().to(device)
    return NormalFloat(packed, scales, torch.ones(-(-blocks // OUTER), device=device), mean, pairs, outputs, inputs)


def _refuse_part_of_block(number: int, shape: tuple[int, ...]) -> None:
    if number % BLOCK:
        raise ValueError(f"a matrix {shape} has {number} weights; expected a multiple of {BLOCK}")
