"""Parameters and floating-point operations of a decoder, in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.models.decoder import Decoder


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a decoder by part; `output` is 0 where the output matrix is the embedding."""

    embedding: int
    positions: int
    attention: int
    feed_forward: int
    norms: int
    output: int

    @property
    def total(self) -> int:
        """Every number that is trained."""
        return sum(vars(self).values())

    @property
    def non_embedding(self) -> int:
        """Kaplan et al. 2020 (arXiv:2001.08361), sec. 2.1: neither embeddings nor output matrix."""
        return self.attention + self.feed_forward + self.norms


def parameters(shape: Decoder) -> ParameterCount:
    """The exact number of a decoder's parameters, by part."""
    d, kv_width = shape.width, shape.key_value_heads * shape.head_width
    norm = d if shape.norm == "rms" else 2 * d
    final = 1 if shape.norm_place == "pre" else 0  # a post-norm block ends in a norm of its own
    return ParameterCount(
        embedding=shape.vocabulary * d,
        positions=shape.context * d if shape.positions == "learned" else 0,
        attention=shape.layers * (2 * d * d + 2 * d * kv_width),
        feed_forward=shape.layers * (3 if shape.gated else 2) * d * shape.feed_forward_width,
        norms=(2 * shape.layers + final) * norm,
        output=0 if shape.tied else shape.vocabulary * d,
    )


def with_equal_parameters(shape: Decoder, kv_heads: int) -> Decoder:
    """The decoder with another number of key-value heads and, to the nearest unit, the same number of parameters.

    Its feed-forward part is widened by what the heads save.

    Source: Shazeer 2019 (arXiv:1911.02150), section 4.1, which widens it likewise to compare at equal size.
    """
    saved = 2 * shape.width * shape.head_width * (shape.key_value_heads - kv_heads)
    unit = (3 if shape.gated else 2) * shape.width
    return replace(shape, kv_heads=kv_heads, hidden=shape.feed_forward_width + round(saved / unit))


def with_depth(shape: Decoder, layers: int) -> Decoder:
    """The decoder with another number of layers and about as many parameters in matrices, output matrix counted.

    Its width is the nearest whole number of heads; the feed-forward part makes up the rest, to the nearest unit. The
    output matrix counts because a narrow model has a smaller one, which its loss feels whether tied or not.

    Raises:
        ValueError: so deep or so wide that nothing is left for the feed-forward part.
    """
    width = max(1, round(shape.width * (shape.layers / layers) ** 0.5 / shape.head_width)) * shape.head_width
    bare = replace(shape, layers=layers, width=width, heads=width // shape.head_width, kv_heads=None, hidden=1)
    left = matrix_parameters(shape) - matrix_parameters(bare)
    hidden = 1 + round(left / ((3 if shape.gated else 2) * width * layers))
    if hidden < 1:
        raise ValueError(f"{layers} layers of width {width} leave no parameters for their feed-forward parts")
    return replace(bare, hidden=hidden)


def matrix_parameters(shape: Decoder, *, with_output: bool = True) -> int:
    """Parameters of the matrices that every token is multiplied by: the N of C = 6ND.

    Args:
        with_output: count the output matrix (Hoffmann et al. 2022, Porian et al. 2024), which works for every token
            whether tied or not; Kaplan et al. 2020 leave it out. The embedding is looked up, not multiplied.
    """
    count = parameters(shape)
    return count.attention + count.feed_forward + (shape.vocabulary * shape.width if with_output else 0)


def forward_flops(shape: Decoder, time: int) -> int:
    """Floating-point operations of the matrix products of a forward pass over `time` tokens (a product-sum is two).

    The attention term counts the whole time x time square, as PyTorch's counter does and a plain kernel computes;
    a kernel that skips what the causal mask hides needs nearly half of that.
    """
    return 2 * matrix_parameters(shape) * time + 4 * shape.layers * shape.width * time * time


def training_flops(shape: Decoder, tokens: int, time: int) -> float:
    """Operations to train on `tokens` in sequences of `time`: a backward pass costs two forward ones."""
    return 3 * forward_flops(shape, time) * tokens / time
