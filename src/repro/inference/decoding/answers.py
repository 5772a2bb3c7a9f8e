"""Answers of one decoder, and the laws they are drawn from.

B answers, L tokens of an answer, N random laws, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.floor.measurement import Numbers
from repro.inference.decoding.configurations import DrawingLaws, RepeatedAnswers, WrittenText
from repro.inference.decoding.drawing import Drawing, law
from repro.inference.decoding.writing import distinct, write
from repro.training.run import trained


def drawings_checked(config: DrawingLaws, seed: int) -> Numbers:
    """See `sampling.check_drawings`."""
    generator = torch.Generator().manual_seed(seed)
    size = config.laws, config.vocabulary
    logits_NV = config.spread * torch.randn(size, generator=generator, dtype=torch.float64)
    rows = [entropy_and_slope(logits_NV, temperature) for temperature in config.temperatures]
    entropies, deviations = (torch.stack(part) for part in zip(*rows, strict=True))
    sloped = [temperature >= config.slopes_from for temperature in config.temperatures]
    kept, difference = {}, 0.0
    for name, drawing in truncations(config).items():
        ours = law(logits_NV, drawing)
        difference = max(difference, float((ours - law_of_transformers(logits_NV, drawing)).abs().max()))
        kept[name] = float((ours > 0).sum(-1).double().mean())
    return {
        "entropies": entropies.mean(1).tolist(),
        "least_rise": float(entropies.diff(dim=0).min()),
        "slope_deviation": float(deviations[sloped].max()),
        "difference": difference,
        "truncations": list(kept),
        "kept": list(kept.values()),
    }


def entropy_and_slope(logits_NV: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Entropy (N,) at a temperature, and the relative deviation (N,) of its slope from Var(z) / T^3."""
    at = torch.full((len(logits_NV), 1), temperature, dtype=logits_NV.dtype, requires_grad=True)
    probabilities = (logits_NV / at).softmax(-1)
    found = -(probabilities * probabilities.log()).sum(-1)
    slope = torch.autograd.grad(found.sum(), at)[0][:, 0]
    with torch.no_grad():
        mean = (probabilities * logits_NV).sum(-1, keepdim=True)
        expected = (probabilities * (logits_NV - mean) ** 2).sum(-1) / temperature**3
        return found.detach(), ((slope - expected) / expected).abs()


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
    # Not above: it takes longer to load than most of what is measured here.
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


def answers_repeated(config: RepeatedAnswers, seed: int) -> Numbers:
    """See `sampling.repeat_answers`."""
    model = trained(config.model, seed).to(config.device, getattr(torch, config.dtype))
    prompts = config.prompts.windows().to(config.device)
    first = write(model, prompts, config.length, config.drawing, batch=config.batch, seed=seed)
    identical, agreed = 0, []
    for number in range(config.repeats):
        drawn = seed + (number + 1 if config.fresh else 0)
        again = write(model, prompts, config.length, config.drawing, batch=config.again, seed=drawn)
        same_BL = (first == again).long().cumprod(-1)
        identical += int(same_BL[:, -1].sum())
        agreed.append(float(same_BL.sum(-1).double().mean()))
    return {
        "answers": len(prompts) * config.repeats,
        "identical": identical,
        "agreed": sum(agreed) / len(agreed),
    }


def text_written(config: WrittenText, seed: int) -> Numbers:
    """See `sampling.write_text`."""
    model, prompts = trained(config.model, seed).to(config.device), config.prompts.windows().to(config.device)
    answers = write(model, prompts, config.length, config.drawing, batch=len(prompts), seed=seed).tolist()
    return {
        "distinct": [distinct(answer, 2) for answer in answers],
        "repeated": [1 - distinct(answer, 4) for answer in answers],
    }
