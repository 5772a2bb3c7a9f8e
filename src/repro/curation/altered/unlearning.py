"""Unlearning: strings taken out of a model, and how soon it learns them again; and models of shards of a text.

Legend: B windows, T tokens, C strings, L tokens of a string.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.alignment.methods.optimiser import steps_down
from repro.corpora.languages.markov.altered import Windows
from repro.corpora.texts.text import tokens_of
from repro.curation.altered.configurations import Sharding, Unlearning, in_language_of, text_of, without_alteration
from repro.curation.altered.reading import Law, clean_loss, clean_losses, law_of, repeated
from repro.floor.measurement import Numbers
from repro.models.transformer import Transformer
from repro.training.configurations import Pretraining
from repro.training.run import device, run, trained
from repro.training.windows import WindowOrder


def unlearned(config: Unlearning, seed: int) -> Numbers:
    """The numbers of `unlearn`."""
    whole = in_language_of(config.run, seed)
    text = text_of(whole)
    strings_CL, copies_C = text.strings()
    strings_CL = strings_CL[copies_C == copies_C.max()]
    base, never = trained(whole, seed), trained(without_alteration(whole), seed)
    goal = float(repeated(law_of(never), strings_CL, config.prompt)[1].mean())
    model, steps = (never, 0) if config.way == "retraining" else ascended(base, strings_CL, goal, config, seed)
    hits_C, nats_C = repeated(law_of(model), strings_CL, config.prompt)
    validation, loss = clean_losses(law_of(model), text)
    taught_CL, withheld_CL = np.array_split(strings_CL, 2)
    student, again = learned(model, taught_CL, config)
    unseen_CL = text.new_strings(len(strings_CL))
    _, new = learned(model, unseen_CL[: len(taught_CL)], config)
    return {
        "before": float(repeated(law_of(base), strings_CL, config.prompt)[0].mean()),
        "goal": goal,
        "steps": steps,
        "continued": float(hits_C.mean()),
        "nats": float(nats_C.mean()),
        "base_loss": clean_losses(law_of(base), text)[1],
        "validation": validation,
        "loss": loss,
        "again": again,
        "new": new,
        "revived": float(repeated(law_of(student), withheld_CL, config.prompt)[1].mean()),
        "bystanders": float(repeated(law_of(student), unseen_CL, config.prompt)[1].mean()),
    }


def ascended(
    base: Transformer, strings_CL: Windows, goal: float, config: Unlearning, seed: int
) -> tuple[Transformer, int]:
    """A copy of a model whose mean nats of the strings were driven up to `goal`, and the steps that took.

    Raises:
        Diverged: a loss that is no number.
    """
    model, (forget, text) = copy.deepcopy(base), (strings_on_device(strings_CL), text_of(config.run))
    clean = without_alteration(in_language_of(config.run, seed))
    order = WindowOrder(tokens_of(clean.text).train, time=text.length, seed=seed)

    def loss(inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        up = string_loss(model, forget, config.prompt)
        if config.way == "ascent":
            return -up
        return F.cross_entropy(model(inputs_BT).flatten(0, 1), targets_BT.flatten()) - up

    step = steps_down([model], config.learning_rate, loss)
    for number in range(config.most):
        if repeated(law_of(model), strings_CL, config.prompt)[1].mean() >= goal:
            return model, number
        step(*(torch.from_numpy(part).to(device()) for part in order.batch(number, clean.sequences)))
    return model, config.most


def learned(model: Transformer, strings_CL: Windows, config: Unlearning) -> tuple[Transformer, int]:
    """A copy of a model that was taught strings until it continues them all, and the steps that took, or the most.

    Raises:
        Diverged: a loss that is no number.
    """
    student, lesson_CL = copy.deepcopy(model), strings_on_device(strings_CL)
    step = steps_down([student], config.again_rate, lambda tokens_CL: string_loss(student, tokens_CL, config.prompt))
    for number in range(config.again_most):
        if repeated(law_of(student), strings_CL, config.prompt)[0].all():
            return student, number
        step(lesson_CL)
    return student, config.again_most


def string_loss(model: Transformer, strings_CL: Tensor, prompt: int) -> Tensor:
    """The mean nats of the strings' tokens after the first `prompt`."""
    logits_CLV = model(strings_CL[:, :-1])[:, prompt - 1 :]
    return F.cross_entropy(logits_CLV.flatten(0, 1), strings_CL[:, prompt:].flatten())


def strings_on_device(strings_CL: Windows) -> Tensor:
    """Strings as training reads them."""
    return torch.from_numpy(strings_CL.astype(np.int64)).to(device())


def sharded(config: Sharding, seed: int) -> Numbers:
    """The numbers of `shard_losses`."""
    text = text_of(in_language_of(config.run, seed))
    strings_CL, _ = text.strings()
    models = [trained(config.part(number, seed), seed) for number in range(config.shards)]
    last = config.part(config.shards - 1, seed, without=True)
    without = [*models[:-1], trained(last, seed)]
    anew = [run(config.part(number, seed, without=True), seed).model.eval() for number in range(config.shards)]
    return {
        "whole": clean_loss(law_of(trained(in_language_of(config.run, seed), seed)), text),
        "sharded": clean_loss(mixture(models), text),
        "retrained": clean_loss(mixture(without), text),
        "before": float(repeated(mixture(models), strings_CL, config.prompt)[0].mean()),
        "after": float(repeated(mixture(without), strings_CL, config.prompt)[0].mean()),
        "apart": max(apart(one, other) for one, other in zip(without, anew, strict=True)),
        "share": steps_of(last) / sum(steps_of(config.part(number, seed)) for number in range(config.shards)),
    }


def steps_of(part: Pretraining) -> int:
    """Optimiser steps of a run."""
    return part.steps(part.readings[-1])


def mixture(models: list[Transformer]) -> Law:
    """The law that is the mean of the laws of some models.

    Source: Bourtoule et al. 2019 (arXiv:1912.03817), for models of shards that predict together.
    """
    return lambda tokens_BT: (
        torch.stack([law_of(model)(tokens_BT) for model in models]).logsumexp(0) - np.log(len(models))
    )


@torch.no_grad()
def apart(one: Transformer, other: Transformer) -> float:
    """The largest difference between the weights of two models."""
    return max(float((a - b).abs().max()) for a, b in zip(one.parameters(), other.parameters(), strict=True))
