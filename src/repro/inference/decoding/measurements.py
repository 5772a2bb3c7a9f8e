"""What temperature, truncation and greedy choice do to text, and whether it comes out the same twice."""

from __future__ import annotations

from repro.floor.measurement import Numbers, measurement
from repro.inference.decoding.configurations import DrawingLaws, RepeatedAnswers, WrittenText


@measurement(version=1)
def check_drawings(config: DrawingLaws, seed: int) -> Numbers:
    """Entropy against temperature, and each truncation against transformers' own.

    `entropies` are means over the laws, in nats, by temperature; `least_rise` the least from one temperature to the
    next, of any law; `slope_deviation` the largest relative deviation of dH/dT from Var(z) / T^3, the variance under
    the law itself; `difference` the largest of a probability; `kept` the mean number of tokens that each truncation
    keeps.

    Source: the slope is the heat capacity of statistical mechanics, temperature in units of energy.
    """
    import torch

    from repro.inference.decoding.drawing import law
    from repro.inference.decoding.laws import entropy_and_slope, law_of_transformers, truncations

    size, generator = (config.laws, config.vocabulary), torch.Generator().manual_seed(seed)
    logits_NV = config.spread * torch.randn(size, generator=generator, dtype=torch.float64)
    rows = [entropy_and_slope(logits_NV, temperature) for temperature in config.temperatures]
    entropies, deviations = (torch.stack(part) for part in zip(*rows, strict=True))
    sloped = [temperature >= config.slopes_from for temperature in config.temperatures]
    drawings = truncations(config)
    laws = {name: law(logits_NV, drawing) for name, drawing in drawings.items()}
    apart = [laws[name] - law_of_transformers(logits_NV, drawing) for name, drawing in drawings.items()]
    return {
        "entropies": entropies.mean(1).tolist(),
        "least_rise": float(entropies.diff(dim=0).min()),
        "slope_deviation": float(deviations[sloped].max()),
        "difference": max(float(difference.abs().max()) for difference in apart),
        "truncations": list(laws),
        "kept": [float((law_NV > 0).sum(-1).double().mean()) for law_NV in laws.values()],
    }


@measurement(version=1)
def repeat_answers(config: RepeatedAnswers, seed: int) -> Numbers:
    """How many of the `answers` written again are `identical` to the first ones; `agreed` tokens before they part."""
    import torch

    from repro.inference.decoding.writing import write
    from repro.training.run import trained

    model = trained(config.model, seed).to(config.device, getattr(torch, config.dtype))
    prompts = config.prompts.windows().to(config.device)
    first_BL = write(model, prompts, config.length, config.drawing, batch=config.batch, seed=seed)
    identical, agreed = 0, []
    for number in range(config.repeats):
        draws = seed + (number + 1 if config.fresh else 0)
        repeat_BL = write(model, prompts, config.length, config.drawing, batch=config.repeat_batch, seed=draws)
        same_BL = (first_BL == repeat_BL).long().cumprod(-1)
        identical += int(same_BL[:, -1].sum())
        agreed.append(float(same_BL.sum(-1).double().mean()))
    return {
        "answers": len(prompts) * config.repeats,
        "identical": identical,
        "agreed": sum(agreed) / len(agreed),
    }


@measurement(version=1)
def write_text(config: WrittenText, seed: int) -> Numbers:
    """Shares of each answer: of pairs of tokens that are `distinct`, and of 4-grams that are `repeated` in it."""
    from repro.inference.decoding.writing import distinct, write
    from repro.training.run import trained

    model, prompts = trained(config.model, seed).to(config.device), config.prompts.windows().to(config.device)
    answers = write(model, prompts, config.length, config.drawing, batch=len(prompts), seed=seed).tolist()
    return {
        "distinct": [distinct(answer, 2) for answer in answers],
        "repeated": [1 - distinct(answer, 4) for answer in answers],
    }
