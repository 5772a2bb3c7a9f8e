"""A language small enough to list: every sentence, its probability, and the best policy for a reward, exactly.

Legend: S sentences, T time, V vocabulary. Token V is the start; sentences have one length and no end.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Model = Callable[[Tensor], Tensor]  # tokens (B, T) -> logits (B, T, V + 1)


def all_sentences(vocabulary: int, length: int) -> Tensor:
    """(S, T + 1) every sentence, each after the start token."""
    words = torch.cartesian_prod(*[torch.arange(vocabulary)] * length).reshape(-1, length)
    return torch.cat([torch.full((len(words), 1), vocabulary), words], dim=1)


def token_log_probs(model: Model, sentences_ST: Tensor) -> Tensor:
    """(S, T, V) log-probabilities of every word at each place; the start is no word."""
    return torch.log_softmax(model(sentences_ST[:, :-1])[..., :-1], dim=-1)


def sentence_log_probs(model: Model, sentences_ST: Tensor) -> Tensor:
    """(S,) log-probability of each sentence; over all sentences the probabilities sum to one."""
    steps_STV = token_log_probs(model, sentences_ST)
    return steps_STV.gather(2, sentences_ST[:, 1:, None]).squeeze(2).sum(dim=1)


def sampled(model: Model, count: int, vocabulary: int, length: int, generator: torch.Generator) -> Tensor:
    """(count, T + 1) sentences drawn from the model at temperature 1."""
    drawn_BT = torch.full((count, 1), vocabulary)
    for _ in range(length):
        chances_BV = torch.softmax(model(drawn_BT)[:, -1, :-1], dim=-1)
        drawn_BT = torch.cat([drawn_BT, torch.multinomial(chances_BV, 1, generator=generator)], dim=1)
    return drawn_BT
