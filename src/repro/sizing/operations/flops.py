"""Floating-point operations of training and inference: the rules of thumb and the exact count with attention.

A multiplication and an addition are two operations. Only matrix products are counted (norms, activations, softmax and
rotations are below 1 %), as in the literature.
"""

from __future__ import annotations

from dataclasses import dataclass

from repro.sizing.models.architecture import Architecture, Attention, Layer
from repro.sizing.models.parts import Mixer

# Kaplan et al. 2020 (arXiv:2001.08361), section 2.1: forward 2, backward 4 for each parameter and token.
FLOP_PER_PARAMETER_TOKEN = 6.0  # of training
FORWARD_FLOP_PER_PARAMETER_TOKEN = 2.0


def training_flops(parameters: float, tokens: float) -> float:
    """Operations to train: 6 N D, attention's scores left out; of a mixture of experts, N is the active count.

    Source: Kaplan et al. 2020 (arXiv:2001.08361), section 2.1.
    """
    return FLOP_PER_PARAMETER_TOKEN * parameters * tokens


def inference_flops(parameters: float, tokens: float) -> float:
    """Operations of forward passes over `tokens` tokens: 2 N each, attention's scores left out.

    Source: Kaplan et al. 2020 (arXiv:2001.08361), section 2.1.
    """
    return FORWARD_FLOP_PER_PARAMETER_TOKEN * parameters * tokens


def score_pairs(tokens: int, past: int = 0, *, window: int | None = None, dense: bool = False) -> int:
    """Pairs of query and key for `tokens` new tokens after `past` cached ones.

    dense: every query with every key, as an encoder does and as kernels do that mask afterwards; else a query meets
    itself and the keys before it, at most `window` of them.
    """
    if dense:
        return tokens * (past + tokens)
    last = past + tokens
    limit = min(window or last, last)
    return _pairs_until(last, limit) - _pairs_until(past, limit)


def _pairs_until(position: int, limit: int) -> int:
    """Sum of min(k, limit) over k from 1 to position."""
    rising = min(position, limit)
    return rising * (rising + 1) // 2 + (position - rising) * limit


def score_flops(*, heads: int, key_width: int, value_width: int, pairs: int) -> int:
    """Operations of attention's two products, query by key and weight by value, over so many pairs.

    The number of key-value heads does not enter: sharing them saves memory and projections, no scores.
    """
    return 2 * heads * (key_width + value_width) * pairs


@dataclass(frozen=True)
class Flops:
    """Operations by part: attention's projections, its scores, the feed-forward blocks, the head (or pooler)."""

    projections: int
    scores: int
    feed_forward: int
    head: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.projections + self.scores + self.feed_forward + self.head

    @property
    def linear(self) -> int:
        """All but the scores: these have weights."""
        return self.total - self.scores


def forward_flops(
    model: Architecture, tokens: int, *, past: int = 0, source: int | None = None, dense: bool = False
) -> Flops:
    """Operations of one sequence's forward pass, with logits for every token.

    Args:
        model: what is run. Latent attention is counted expanded, each new token once, as in training and prefill.
        tokens: new tokens (of the decoder, where there are two stacks).
        past: tokens already in the cache.
        source: the encoder's tokens; as many as `tokens` if not given.
        dense: count masked pairs too.

    Raises:
        ValueError: a source for a model without encoder.
    """
    if source is not None and not model.encoder:
        raise ValueError(f"{model.name} has no encoder, so that source={source} has no meaning; leave it out")
    read = tokens if source is None else source
    parts = [_layer_flops(layer, tokens, past, read, dense or not model.causal) for layer in model.layers]
    parts += [_layer_flops(layer, read, 0, read, dense=True) for layer in model.encoder]
    head = model.head.parameters * tokens if model.head else 0
    pooled = model.pooler.inputs * model.pooler.outputs if model.pooler else 0  # of the first token alone
    return Flops(
        projections=sum(part[0] for part in parts),
        scores=sum(part[1] for part in parts),
        feed_forward=sum(part[2] for part in parts),
        head=2 * (head + pooled),
    )


def _layer_flops(layer: Layer, tokens: int, past: int, source: int, dense: bool) -> tuple[int, int, int]:
    """Projections, scores and feed-forward of one layer."""
    attention = layer.attention
    pairs = score_pairs(tokens, past, window=attention.window, dense=dense)
    projections = sum(2 * matrix.inputs * matrix.outputs for matrix in attention.matrices) * tokens
    scores = _scores(attention, pairs)
    if layer.crossed:
        for matrix in layer.crossed.matrices:
            met = source if matrix.name in ("key", "value") else tokens
            projections += 2 * matrix.inputs * matrix.outputs * met
        scores += _scores(layer.crossed, tokens * source)
    weights = sum(matrix.used * matrix.inputs * matrix.outputs for matrix in layer.feed_forward.matrices)
    return projections, scores, 2 * weights * tokens


def _scores(attention: Attention | Mixer, pairs: int) -> int:
    return score_flops(
        heads=attention.heads, key_width=attention.key_width, value_width=attention.value_width, pairs=pairs
    )


def step_flops(forward: Flops, *, recompute: bool = False) -> int:
    """Operations of a training step of all weights: each product has two gradients, so backward is twice forward.

    recompute: the forward pass is run once more, instead of keeping activations.
    """
    return (4 if recompute else 3) * forward.total


def adapter_step_flops(forward: Flops, adapter_parameters: int, tokens: int) -> int:
    """Operations of a training step in which the weights are frozen and low-rank adapters beside them learn.

    A frozen weight has no gradient of its own, which saves a third of its part: 4 N a token and not 6 N. Scores have
    two gradients all the same. Every layer is taken to pass a gradient on, the first one too.
    """
    return 2 * forward.linear + 3 * forward.scores + int(FLOP_PER_PARAMETER_TOKEN) * adapter_parameters * tokens
