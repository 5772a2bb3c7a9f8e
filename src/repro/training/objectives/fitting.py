"""A decoder trained on an objective: what its tokens may see, and the loop.

Legend: B lines, P tokens that are read, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.floor.measurement import Diverged
from repro.models.transformer import Attention, Transformer, fused
from repro.training.configurations import decayed, warmed_up
from repro.training.objectives.configurations import Fitting
from repro.training.objectives.corruptions import Batch, batch_of

Look = Callable[[int, Transformer], None]
TESTED = 512  # lines of which the loss is read
WARM_UP = 0.05  # share of the steps
DECAY = 0.5  # share of the steps over which the rate falls to nothing
BETAS = (0.9, 0.95)
CLIP = 1.0  # the largest norm of a gradient


def fitted(config: Fitting, seed: int, look: Look = lambda step, model: None) -> Transformer:
    """The model of a configuration, trained; `look` is called after each step with its number and the model.

    Raises:
        Diverged: a loss that is no number.
    """
    language, rng = replace(config.language, seed=seed), np.random.default_rng([seed, 7])
    text, _, _ = language.draw(config.steps * config.lines, "train")
    torch.manual_seed(seed)
    model = Transformer(config.model)

    def draw(step: int) -> Batch:
        lines_BT = text[step * config.lines : (step + 1) * config.lines]
        return batch_of(config.objective, config.marks, lines_BT, rng)

    return fit(model, draw, steps=config.steps, rate=config.rate / config.width, look=look)


@torch.no_grad()
def held_out_loss(model: Transformer, config: Fitting, seed: int) -> float:
    """The loss of the model's own objective on lines that it has not read, the same for every model of a seed."""
    lines_BT, _, _ = replace(config.language, seed=seed).draw(TESTED, "test", part=1)
    return float(loss_of(model, batch_of(config.objective, config.marks, lines_BT, np.random.default_rng([seed, 8]))))


def let_see(model: Transformer, prefix: int) -> Transformer:
    """The model whose first `prefix` tokens are seen by all from now on, and later tokens from themselves on.

    A prefix of 0 is a causal decoder; one of all tokens an encoder.

    Raises:
        ValueError: a prefix for a model whose positions are linear biases, which know no token to the right.
    """
    if prefix and model.shape.positions == "alibi":
        raise ValueError(
            f"a prefix of {prefix} with positions 'alibi'; give a model with other positions, or no prefix"
        )

    def mix(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        length = query.shape[2]
        if prefix == 0:
            return fused(query, key, value, mask, causal)
        if prefix >= length:
            return fused(query, key, value)
        places = torch.arange(length, device=query.device)
        return fused(query, key, value, (places <= places[:, None]) | (places < prefix))

    for module in model.modules():
        if isinstance(module, Attention):
            module.mix = mix
    return model


def loss_of(model: Transformer, batch: Batch) -> Tensor:
    """The loss of a batch in nats: that of each target by its weight."""
    logits_BPV = let_see(model, batch.prefix)(torch.from_numpy(batch.inputs))
    each = F.cross_entropy(logits_BPV.flatten(0, 1), torch.from_numpy(batch.targets).flatten(), reduction="none")
    return (each * torch.from_numpy(batch.weights.astype(np.float32)).flatten()).sum()


def fit(
    model: Transformer,
    draw: Callable[[int], Batch],
    *,
    steps: int,
    rate: float,
    look: Look = lambda step, model: None,
) -> Transformer:
    """Train a model in place by Adam on the batch of each step, and look at it after each step.

    Raises:
        Diverged: a loss that is no number.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=BETAS, weight_decay=0.0)
    rising, falling = round(WARM_UP * steps), round((1 - DECAY) * steps)
    for number in range(steps):
        done = number + 1
        now = min(warmed_up(done, peak=rate, warmup=rising), decayed(done, peak=rate, start=falling, end=steps + 1))
        for group in optimiser.param_groups:
            group["lr"] = now
        loss = loss_of(model, draw(number))
        if not torch.isfinite(loss):
            raise Diverged(f"the loss is no number at step {number}")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        look(done, model)
    return model
