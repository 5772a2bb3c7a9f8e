"""Replies of a language model: their probabilities, and how they are drawn.

Legend: B sentences, T time with the prompt, R time of the reply, V vocabulary. A sentence is a prompt of `asked` tokens
and a reply; all prompts of a batch have one length.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from repro.instruments.graphs import Replayed
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


class Writer:
    """Writes replies of `length` tokens, drawn at temperature 1: on a GPU by a graph, if our decoder writes again.

    The token drawn is the one whose probability over a draw of the exponential distribution is greatest. So
    `torch.multinomial` draws too (the same tokens by the same generator), but it waits for the device at each token.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self._model: Model | None = None

    @torch.no_grad()
    def __call__(self, model: Model, prompt_BT: Tensor, generator: torch.Generator) -> Tensor:
        """(B, T) the prompts, each with the model's reply."""
        if not isinstance(model, Transformer):  # its vocabulary may be too large to draw for all places beforehand
            return _replies(model, prompt_BT, self.length, lambda law_BV: _draws_like(law_BV, generator))
        noise_RBV = torch.empty(self.length, len(prompt_BT), model.shape.vocabulary, device=prompt_BT.device)
        for noise_BV in noise_RBV:
            noise_BV.exponential_(generator=generator)
        if self._model is not model:
            self._model, self._replayed = model, Replayed(functools.partial(_replies_by_noise, model))
        return self._replayed(prompt_BT, noise_RBV)


def sample_replies(model: Model, prompt_BT: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """(B, T) the prompts, each with a reply of `length` tokens drawn at temperature 1."""
    return Writer(length)(model, prompt_BT, generator)


def _draws_like(law_BV: Tensor, generator: torch.Generator) -> Tensor:
    return torch.empty_like(law_BV).exponential_(generator=generator)


def _replies_by_noise(model: Model, prompt_BT: Tensor, noise_RBV: Tensor) -> Tensor:
    """(B, T) the prompts with replies by draws of the exponential distribution for each word at each place."""
    places = iter(noise_RBV)
    return _replies(model, prompt_BT, len(noise_RBV), lambda law_BV: next(places))


def _replies(model: Model, prompt_BT: Tensor, length: int, noise: Callable[[Tensor], Tensor]) -> Tensor:
    cache: Any = model.remembering() if hasattr(model, "remembering") else None
    if isinstance(model, Transformer):
        size = prompt_BT.shape[1] + length
        cache = Cache(model.shape, len(prompt_BT), size, device=str(prompt_BT.device))
    tokens_BT = fresh_BT = prompt_BT
    for _ in range(length):
        logits_BTV = model(tokens_BT) if cache is None else model(fresh_BT, cache)  # type: ignore[call-arg]
        law_BV = torch.softmax(logits_BTV[:, -1], dim=-1)
        fresh_BT = (law_BV / noise(law_BV)).argmax(dim=-1, keepdim=True)
        tokens_BT = torch.cat([tokens_BT, fresh_BT], dim=1)
    return tokens_BT
