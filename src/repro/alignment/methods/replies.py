"""Replies of a language model: their probabilities, and how they are drawn.

Legend: B sentences, T time with the prompt, R time of the reply, V vocabulary. A sentence is a prompt of `asked` tokens
and a reply; all prompts of a batch have one length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from repro.models.cache import Cache
from repro.models.transformer import Transformer

Model = Callable[[Tensor], Tensor]  # tokens (B, T) -> logits (B, T, V)


def seeded_generator(seed: int) -> torch.Generator:
    """A generator on the default device, where a trial makes all its tensors."""
    return torch.Generator(torch.get_default_device()).manual_seed(seed)


def word_log_probs(model: Model, tokens_BT: Tensor, asked: int) -> Tensor:
    """(B, R, V) log-probabilities of every word at each place of the reply."""
    return torch.log_softmax(model(tokens_BT[:, :-1])[:, asked - 1 :], dim=-1)


def log_probs_at(words_BRV: Tensor, tokens_BT: Tensor) -> Tensor:
    """(B, R) log-probability of each token of the reply, looked up among those of all words."""
    return words_BRV.gather(2, tokens_BT[:, -words_BRV.shape[1] :, None]).squeeze(2)


def token_log_probs(model: Model, tokens_BT: Tensor, asked: int) -> Tensor:
    """(B, R) log-probability of each token of the reply."""
    return log_probs_at(word_log_probs(model, tokens_BT, asked), tokens_BT)


def divergence_at(mine_BRV: Tensor, theirs_BRV: Tensor) -> Tensor:
    """(B, R) KL(mine || theirs) of the next word at each place, a sum over all words."""
    return (mine_BRV.exp() * (mine_BRV - theirs_BRV)).sum(dim=-1)


def reply_mask(reply_BR: Tensor, end: int | None) -> Tensor:
    """(B, R) 1 up to the first end token and at it, 0 after; 1 everywhere where a language has no end."""
    if end is None:
        return torch.ones(reply_BR.shape)
    ends_BR = (reply_BR == end).int()
    return ((ends_BR.cumsum(dim=1) - ends_BR) == 0).float()


@torch.no_grad()
def sample_replies(model: Model, prompt_BT: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """(B, T) the prompts, each with a reply of `length` tokens drawn at temperature 1."""
    cache: Any = model.remembering() if hasattr(model, "remembering") else None
    if isinstance(model, Transformer):
        size = prompt_BT.shape[1] + length
        cache = Cache(model.shape, len(prompt_BT), size, device=str(prompt_BT.device))
    tokens_BT = fresh_BT = prompt_BT
    for _ in range(length):
        logits_BTV = model(tokens_BT) if cache is None else model(fresh_BT, cache)  # type: ignore[call-arg]
        fresh_BT = torch.multinomial(torch.softmax(logits_BTV[:, -1], dim=-1), 1, generator=generator)
        tokens_BT = torch.cat([tokens_BT, fresh_BT], dim=1)
    return tokens_BT
