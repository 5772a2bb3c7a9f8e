"""One set of answers under many metrics.

Legend: B problems, A tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tokens = NDArray[np.int64]


def edit_distance(given_BA: Tokens, right_BA: Tokens) -> Tokens:
    """(B,) insertions, deletions and substitutions of tokens that make one answer of the other.

    Source: Levenshtein 1966; the metric of Schaeffer et al. 2023 (arXiv:2304.15004).
    """
    count, width = right_BA.shape
    row = np.tile(np.arange(width + 1), (count, 1))
    for place in range(given_BA.shape[1]):
        above, row = row, np.full_like(row, place + 1)
        for column in range(width):
            swapped = above[:, column] + (given_BA[:, place] != right_BA[:, column])
            row[:, column + 1] = np.minimum(np.minimum(above[:, column + 1], row[:, column]) + 1, swapped)
    return row[:, -1]


def answer_scores(given_BA: Tokens, right_BA: Tokens, logits_BAV: Array) -> dict[str, float]:
    """Every metric of the same answers, each a mean over problems.

    Args:
        given_BA: what the model generated on its own.
        right_BA: the right answers.
        logits_BAV: of each token with the right ones before it, from which probabilities are read.
    """
    log_BAV = logits_BAV - np.logaddexp.reduce(logits_BAV, axis=-1, keepdims=True)
    of_right_BA = np.take_along_axis(log_BAV, right_BA[..., None], axis=-1)[..., 0]
    hits_BA, seen_BA = given_BA == right_BA, log_BAV.argmax(axis=-1) == right_BA
    squares_BA = (np.exp(log_BAV) ** 2).sum(axis=-1)
    whole_B, size = of_right_BA.sum(axis=1), right_BA.shape[1]
    return {
        "exact_match": float(hits_BA.all(axis=1).mean()),
        "token_accuracy": float(hits_BA.mean()),
        "edit_distance": float(edit_distance(given_BA, right_BA).mean()),
        "brier": float((squares_BA - 2 * np.exp(of_right_BA) + 1).mean()),
        "cross_entropy": float(-of_right_BA.mean()),
        "answer_probability": float(np.exp(whole_B).mean()),
        "forced_accuracy": float(seen_BA.mean()),
        "power_law": float(seen_BA.mean() ** size),
        "product": float(math.prod(seen_BA.mean(axis=0).tolist())),
        "half_right": float((hits_BA.mean(axis=1) >= 0.5).mean()),
    }


def items_needed(rate: float, *, chance: float = 0.95) -> int:
    """Problems that a test needs to show at least one success of a rate, with this chance."""
    if not 0 < rate < 1:
        raise ValueError(f"rate {rate}; expected one between 0 and 1")
    return math.ceil(math.log(1 - chance) / math.log(1 - rate))
