"""One set of answers under many metrics, and the vote of several answers to each problem.

Legend: B problems, S samples of each, A tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array, Tokens
from repro.floor.measurement import Numbers

Score = float | list[float]

SURE = (0.25, 0.5, 0.75)  # where the right answer's probability per token, a smooth metric, is cut off


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


def answer_scores(given_BA: Tokens, right_BA: Tokens, logits_BAV: Array) -> dict[str, Score]:
    """Every metric of one set of answers, each a mean over problems.

    `at_least`: the share with 1, 2, ... A tokens right; `surer_than`: the share to whose right answer the model gives,
    in the geometric mean of its tokens, more than each probability in SURE. `hamming` is a rescaled `token_accuracy`,
    `log_likelihood` a `cross_entropy`. Three laws foretell exact match from `forced_accuracy`, each token with the
    right ones before it: `power_law` from its mean, `product` from each place's own, `chain` from each place's own
    among answers right at the place before.

    Args:
        given_BA: what the model generated on its own.
        right_BA: the right answers.
        logits_BAV: of each token with the right ones before it, from which probabilities are read.
    """
    log_BAV = log_law(logits_BAV)
    of_right_BA = log_probs_at(right_BA, log_BAV)
    hits_BA, seen_BA = given_BA == right_BA, log_BAV.argmax(axis=-1) == right_BA
    squares_BA = (np.exp(log_BAV) ** 2).sum(axis=-1)
    whole_B, hits_B, size = of_right_BA.sum(axis=1), hits_BA.sum(axis=1), right_BA.shape[1]
    return {
        "exact_match": float(hits_BA.all(axis=1).mean()),
        "token_accuracy": float(hits_BA.mean()),
        "hamming": float(size - hits_B.mean()),
        "edit_distance": float(edit_distance(given_BA, right_BA).mean()),
        "at_least": [float((hits_B >= count).mean()) for count in range(1, size + 1)],
        "brier": float((squares_BA - 2 * np.exp(of_right_BA) + 1).mean()),
        "cross_entropy": float(-of_right_BA.mean()),
        "log_likelihood": float(whole_B.mean()),
        "answer_probability": float(np.exp(whole_B).mean()),
        "surer_than": [float((of_right_BA.mean(axis=1) > math.log(cut)).mean()) for cut in SURE],
        "forced_accuracy": float(seen_BA.mean()),
        "power_law": float(seen_BA.mean() ** size),
        "product": float(math.prod(seen_BA.mean(axis=0).tolist())),
        "chain": _chain(seen_BA),
    }


def log_law(logits: Array) -> Array:
    """(..., V) log-probabilities from logits."""
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))


def log_probs_at(tokens: Tokens, log_probs: Array) -> Array:
    """(...,) the log-probability of each token, of those (..., V) of all."""
    return np.asarray(np.take_along_axis(log_probs, tokens[..., None], axis=-1)[..., 0])


def _chain(seen_BA: NDArray[np.bool_]) -> float:
    """The exact match foretold by a law in which each place depends on the one before it, and on no other."""
    law = float(seen_BA[:, 0].mean())
    for before_B, now_B in zip(seen_BA.T[:-1], seen_BA.T[1:], strict=True):
        law *= float((before_B & now_B).sum()) / max(1, int(before_B.sum()))
    return law


def numeric_error(given_BA: Tokens, right_BA: Tokens, base: int) -> float:
    """Mean distance of the given from the right number, over the largest of A digits; 1 where no number is given.

    The most significant digit comes first.
    """
    weights_A = float(base) ** np.arange(right_BA.shape[1])[::-1]
    distance_B = np.abs((given_BA - right_BA) @ weights_A) / (base ** right_BA.shape[1] - 1)
    return float(np.where((given_BA < base).all(axis=1), distance_B, 1.0).mean())


def items_needed(rate: float, *, chance: float = 0.95) -> int:
    """The number of problems with which a test shows at least one success, at a rate of successes, with this chance."""
    if not 0 < rate < 1:
        raise ValueError(f"rate {rate}; expected one between 0 and 1")
    return math.ceil(math.log(1 - chance) / math.log(1 - rate))


def votes(replies_BS: Tokens, right_B: Tokens) -> Numbers:
    """The worth of one sampled reply, and of the most frequent of several.

    `single`: share of right replies; `majority`: share of problems whose most frequent reply is right, a tie counted
    in part; `agreement`: the most frequent reply's part of all; `agreed`, `disputed`: the majority's share among the
    half of the problems with the most agreement, and among the others.

    Source: Wang et al. 2022 (arXiv:2203.11171), self-consistency.
    """
    choices = np.arange(max(int(replies_BS.max()), int(right_B.max())) + 1)
    counts_BV = (replies_BS[..., None] == choices).sum(axis=1)
    most_B = counts_BV.max(axis=1)
    won_BV = counts_BV == most_B[:, None]
    right_parts_B = np.take_along_axis(won_BV / won_BV.sum(axis=1, keepdims=True), right_B[:, None], axis=1)[:, 0]
    order = np.argsort(-most_B, kind="stable")
    half = len(order) // 2
    return {
        "single": float((replies_BS == right_B[:, None]).mean()),
        "majority": float(right_parts_B.mean()),
        "agreement": float(most_B.mean() / replies_BS.shape[1]),
        "agreed": float(right_parts_B[order[:half]].mean()),
        "disputed": float(right_parts_B[order[half:]].mean()),
        "items": len(right_B),
    }
