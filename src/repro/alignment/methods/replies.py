"""Replies of a language model: their probabilities, and drawing them.

Legend: B sentences, T time with the prompt, R time of the reply, V vocabulary. A sentence is a prompt of `asked` tokens
and a reply; all prompts of one batch have one length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from repro.models.cache import Cache
from repro.models.transformer import Transformer

Model = Callable[[Tensor], Tensor]  # tokens (B, T) -> logits (B, T, V)


def seeded(seed: int) -> torch.Generator:
    """A generator on the default device, on which a trial makes all its tensors."""
    return torch.Generator(torch.get_default_device()).manual_seed(seed)


def word_log_probs(model: Model, tokens_BT: Tensor, asked: int) -> Tensor:
    """(B, R, V) log-probabilities of every word at each place of the reply."""
    return torch.log_softmax(model(tokens_BT[:, :-1])[:, asked - 1 :], dim=-1)


def taken(words_BRV: Tensor, tokens_BT: Tensor) -> Tensor:
    """(B, R) what the words of the reply that stands there have of it."""
    return words_BRV.gather(2, tokens_BT[:, -words_BRV.shape[1] :, None]).squeeze(2)


def divergence_at(mine_BRV: Tensor, theirs_BRV: Tensor) -> Tensor:
    """(B, R) KL(mine || theirs) of the next word at each place: over all words, not at the drawn one."""
    return (mine_BRV.exp() * (mine_BRV - theirs_BRV)).sum(dim=-1)


def up_to_end(reply_BR: Tensor, end: int | None) -> Tensor:
    """(B, R) 1 up to the first end token and at it, 0 after; all 1 where a language has no end."""
    if end is None:
        return torch.ones(reply_BR.shape)
    ends_BR = (reply_BR == end).int()
    return ((ends_BR.cumsum(dim=1) - ends_BR) == 0).float()


@torch.no_grad()
def sampled(model: Model, prompt_BT: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """(B, T) the prompts, each with a reply of `length` tokens drawn at temperature 1."""
    cache: Any = model.remembering() if hasattr(model, "remembering") else None
    if isinstance(model, Transformer):
        size = prompt_BT.shape[1] + length
        cache = Cache(model.shape, len(prompt_BT), size, device=str(prompt_BT.device))
    drawn_BT = fresh_BT = prompt_BT
    for _ in range(length):
        logits_BTV = model(drawn_BT) if cache is None else model(fresh_BT, cache)  # type: ignore[call-arg]
        fresh_BT = torch.multinomial(torch.softmax(logits_BTV[:, -1], dim=-1), 1, generator=generator)
        drawn_BT = torch.cat([drawn_BT, fresh_BT], dim=1)
    return drawn_BT


class Descent:
    """Adam on a few modules: a constant rate after a short warm-up, gradients cut to norm 1."""

    WARMUP = 10

    def __init__(self, modules: list[nn.Module], learning_rate: float) -> None:
        self.parameters = [weight for module in modules for weight in module.parameters()]
        self.optimiser = torch.optim.Adam(self.parameters, lr=learning_rate)
        self.warming = torch.optim.lr_scheduler.LinearLR(self.optimiser, 1 / self.WARMUP, total_iters=self.WARMUP - 1)

    def step(self, loss: Tensor) -> None:
        """Move against the gradient of a loss.

        Raises:
            FloatingPointError: a loss that is no number.
        """
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()}")
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.warming.step()
