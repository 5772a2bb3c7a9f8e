"""A language small enough to list: every sentence, its probability, and a reward for each of them.

Legend: S sentences, T time. Token 0 starts every sentence and is a word like any other after that; sentences have one
length and no end.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from repro.alignment.methods.replies import Model, token_log_probs


def all_sentences(vocabulary: int, length: int) -> Tensor:
    """(S, T + 1) every sentence, each after the start token."""
    words = torch.cartesian_prod(*[torch.arange(vocabulary)] * length).reshape(-1, length)
    return torch.cat([torch.zeros((len(words), 1), dtype=torch.long), words], dim=1)


def sentence_log_probs(model: Model, sentences_ST: Tensor) -> Tensor:
    """(S,) log-probability of each sentence; over all sentences the probabilities sum to one."""
    return token_log_probs(model, sentences_ST, 1).sum(dim=1)


def sentence_numbers(tokens_BT: Tensor, vocabulary: int) -> Tensor:
    """(B,) the place of each sentence in the list of all."""
    length = tokens_BT.shape[1] - 1
    return tokens_BT[:, 1:] @ vocabulary ** torch.arange(length - 1, -1, -1)


def planted_rewards(vocabulary: int, length: int, seed: int) -> Tensor:
    """(S,) rewards of mean 0 and spread 1 over the list: random numbers of pairs of neighbours, and of the two ends."""
    rng = np.random.default_rng([seed, 6])
    tables = rng.standard_normal((length, vocabulary, vocabulary))
    words = all_sentences(vocabulary, length)[:, 1:].numpy()
    places = [*((place, place + 1) for place in range(length - 1)), (0, length - 1)]
    summed = sum(table[words[:, one], words[:, other]] for table, (one, other) in zip(tables, places, strict=True))
    return torch.from_numpy((summed - summed.mean()) / summed.std()).float()
