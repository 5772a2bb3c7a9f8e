"""How all arms learn: by Adam with a warm-up, from batches in random order, and on a GPU by steps that are replayed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from repro.floor.measurement import Diverged
from repro.instruments.graphs import Replayed
from repro.models.transformer import Transformer


class WarmAdam:
    """Adam on the weights of some modules, its rate rising for ten steps and constant then.

    Gradients are cut to norm 1.
    """

    WARMUP = 10

    def __init__(self, modules: list[nn.Module], learning_rate: float) -> None:
        self.parameters = [weight for module in modules for weight in module.parameters()]
        gpu = self.parameters[0].is_cuda
        self.adam = torch.optim.Adam(self.parameters, lr=learning_rate, capturable=gpu, fused=gpu)
        self.warming = torch.optim.lr_scheduler.LinearLR(self.adam, 1 / self.WARMUP, total_iters=self.WARMUP - 1)

    def step(self, loss: Tensor) -> None:
        """Move the weights against the gradient of a loss.

        Raises:
            Diverged: a loss that is no number.
        """
        refuse_no_number(loss)
        self.move(loss)
        self.warming.step()

    def move(self, loss: Tensor) -> None:
        """Move the weights at the rate as it is, whatever the loss."""
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()


def refuse_no_number(loss: Tensor) -> None:
    """Refuse a loss that is no number.

    Raises:
        Diverged: it is none.
    """
    if not torch.isfinite(loss):
        raise Diverged(f"the loss is {loss.item()}")


def steps_down(modules: list[nn.Module], learning_rate: float, loss: Callable[..., Tensor]) -> Callable[..., None]:
    """The step by which modules learn from one loss, a function of tensors; it raises Diverged after one of no number.

    On a GPU it is a graph once the rate is constant, if the modules are decoders of ours: a library's own may wait for
    the device.
    """
    optimiser = WarmAdam(modules, learning_rate)
    ours = all(any(isinstance(part, Transformer) for part in module.modules()) for module in modules)

    def move(*inputs: Tensor) -> Tensor:
        now = loss(*inputs)
        optimiser.move(now)
        return now.detach()

    replayed = Replayed(move, first=optimiser.WARMUP if ours else math.inf)

    def step(*inputs: Tensor) -> None:
        refuse_no_number(replayed(*inputs))
        if replayed.calls < optimiser.WARMUP:
            optimiser.warming.step()

    return step


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
