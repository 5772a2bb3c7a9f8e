"""How all arms learn: by Adam with a warm-up, from batches in random order."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from repro.floor.measurement import Diverged


class WarmAdam:
    """Adam on the weights of some modules, its rate rising for ten steps and constant then.

    Gradients are cut to norm 1.
    """

    WARMUP = 10

    def __init__(self, modules: list[nn.Module], learning_rate: float) -> None:
        self.parameters = [weight for module in modules for weight in module.parameters()]
        self.adam = torch.optim.Adam(self.parameters, lr=learning_rate)
        self.warming = torch.optim.lr_scheduler.LinearLR(self.adam, 1 / self.WARMUP, total_iters=self.WARMUP - 1)

    def step(self, loss: Tensor) -> None:
        """Move the weights against the gradient of a loss.

        Raises:
            Diverged: a loss that is no number.
        """
        if not torch.isfinite(loss):
            raise Diverged(f"the loss is {loss.item()}")
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()
        self.warming.step()


def batches(count: int, size: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """(B,) which of `count` examples each step reads: all in random order, then all again in another order.

    What is left of an epoch, too little for a batch, opens the next one.
    """
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < size:
            order = torch.cat([order, torch.randperm(count, generator=generator)])
        yield order[:size]
        order = order[size:]
