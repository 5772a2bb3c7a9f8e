"""From logits to the law that a token is drawn from: temperature, top-k, top-p, min-p, or greedy.

V vocabulary; every function works on the last axis and any number of others.
"""

from __future__ import annotations

from torch import Tensor

from repro.inference.decoding.configurations import Drawing


def law(logits: Tensor, drawing: Drawing) -> Tensor:
    """Probabilities (..., V) of the tokens under a drawing.

    Where several tokens share the largest logit, greedy takes the first of them.
    """
    if drawing.temperature == 0:
        largest = logits.argmax(-1, keepdim=True)
        return logits.new_zeros(logits.shape).scatter_(-1, largest, 1.0)
    heated = logits if drawing.temperature == 1 else logits / drawing.temperature
    if drawing.top_k:
        heated = top_k(heated, drawing.top_k)
    probabilities = heated.softmax(-1)
    if drawing.top_p < 1:
        probabilities = top_p(probabilities, drawing.top_p)
    if drawing.min_p:
        probabilities = min_p(probabilities, drawing.min_p)
    return probabilities


def top_k(logits: Tensor, k: int) -> Tensor:
    """Logits with minus infinity below the k-th largest; tokens that tie with it stay.

    Source: Fan et al. 2018 (arXiv:1805.04833), section 5.4.
    """
    least = logits.topk(min(k, logits.shape[-1]), -1).values[..., -1:]
    return logits.masked_fill(logits < least, float("-inf"))


def top_p(probabilities: Tensor, share: float) -> Tensor:
    """The law on the fewest most likely tokens that together reach `share`.

    Source: Holtzman et al. 2020 (arXiv:1904.09751), eqs. 2 and 3.
    """
    ordered, tokens = probabilities.sort(stable=True, dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    nucleus = ordered.masked_fill(before >= share, 0.0)
    return _normalised(probabilities.new_zeros(probabilities.shape).scatter_(-1, tokens, nucleus))


def min_p(probabilities: Tensor, share: float) -> Tensor:
    """The law on the tokens at least `share` as likely as the likeliest.

    Source: Nguyen et al. 2024 (arXiv:2407.01082), section 3.
    """
    least = share * probabilities.amax(-1, keepdim=True)
    return _normalised(probabilities.masked_fill(probabilities < least, 0.0))


def entropy(probabilities: Tensor) -> Tensor:
    """Entropy (...) of laws, in nats."""
    return -probabilities.xlogy(probabilities).sum(-1)


def _normalised(weights: Tensor) -> Tensor:
    return weights / weights.sum(-1, keepdim=True)
