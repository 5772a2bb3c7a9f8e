"""What drawn laws are held against: the slope of their entropy, and transformers' own truncations.

N random laws, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.inference.decoding.configurations import Drawing, DrawingLaws


def entropy_and_slope(logits_NV: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Entropy (N,) at a temperature, and the relative deviation (N,) of its slope from Var(z) / T^3."""
    heat_N1 = torch.full((len(logits_NV), 1), temperature, dtype=logits_NV.dtype, requires_grad=True)
    probabilities = (logits_NV / heat_N1).softmax(-1)
    entropy_N = -(probabilities * probabilities.log()).sum(-1)
    slope = torch.autograd.grad(entropy_N.sum(), heat_N1)[0][:, 0]
    with torch.no_grad():
        mean = (probabilities * logits_NV).sum(-1, keepdim=True)
        expected = (probabilities * (logits_NV - mean) ** 2).sum(-1) / temperature**3
        return entropy_N.detach(), ((slope - expected) / expected).abs()


def truncations(config: DrawingLaws) -> dict[str, Drawing]:
    """Each truncation alone, and all three together at a temperature."""
    alone = {f"top-k {k}": Drawing(top_k=k) for k in config.top_k}
    alone |= {f"top-p {share}": Drawing(top_p=share) for share in config.top_p}
    alone |= {f"min-p {share}": Drawing(min_p=share) for share in config.min_p}
    return alone | {
        "together": Drawing(temperature=0.8, top_k=config.top_k[-1], top_p=config.top_p[-1], min_p=config.min_p[0])
    }


def law_of_transformers(logits_NV: Tensor, drawing: Drawing) -> Tensor:
    """The law (N, V) after transformers' logits processors, in the order in which generate applies them."""
    # It takes longer to load than most of what is measured here.
    from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    processors = [
        TemperatureLogitsWarper(float(drawing.temperature)),
        *([TopKLogitsWarper(drawing.top_k)] if drawing.top_k else []),
        *([TopPLogitsWarper(drawing.top_p)] if drawing.top_p < 1 else []),
        *([MinPLogitsWarper(drawing.min_p)] if drawing.min_p else []),
    ]
    for process in processors:
        logits_NV = process(None, logits_NV)
    return logits_NV.softmax(-1)
