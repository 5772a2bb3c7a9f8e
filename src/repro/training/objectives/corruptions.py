"""Corruptions of lines, as pure functions of tokens, an objective and a source of chance.

Legend: B lines, T words of a line, N hidden words of a line, K spans of a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array, Tokens
from repro.training.objectives.configurations import Marks, Objective


@dataclass(frozen=True)
class Batch:
    """What a model reads and predicts: `inputs` and `targets` (B, P) tokens, `weights` (B, P) of each target's loss.

    Fields: `prefix` tokens at the beginning are seen from everywhere, later ones from themselves on.
    """

    inputs: Tokens
    targets: Tokens
    weights: Array
    prefix: int


def batch_of(objective: Objective, marks: Marks, lines_BT: Tokens, rng: np.random.Generator) -> Batch:
    """The batch that an objective makes of lines; the weights of a batch sum to 1."""
    starts_B1 = np.full((len(lines_BT), 1), marks.start)
    if objective.kind == "causal":
        inputs = np.hstack([starts_B1, lines_BT[:, :-1]])
        return Batch(inputs, lines_BT, np.full(lines_BT.shape, 1 / lines_BT.size), 0)
    if objective.kind in ("masked", "any rate"):
        hidden, hidden_BT, weights_BT = _hidden(objective, marks, lines_BT, rng)
        inputs, targets = np.hstack([starts_B1, hidden]), np.hstack([starts_B1, lines_BT])
        weights = np.hstack([np.zeros(starts_B1.shape), weights_BT * hidden_BT])
        return Batch(inputs, targets, weights / weights.sum(), inputs.shape[1])
    given, spans = spans_apart(lines_BT, objective, marks, rng)
    target = spans if objective.kind == "spans" else whole_target(lines_BT, marks)
    return written_after(np.hstack([starts_B1, given]), target)


def written_after(given: Tokens, target: Tokens) -> Batch:
    """A target that is written from left to right after a beginning that is seen from both sides."""
    inputs = np.hstack([given, target[:, :-1]])
    unasked = given[:, 1:]
    weights = np.hstack([np.zeros(unasked.shape), np.full(target.shape, 1 / target.size)])
    return Batch(inputs, np.hstack([unasked, target]), weights, given.shape[1])


def masked(
    objective: Objective, marks: Marks, lines_BT: Tokens, rng: np.random.Generator
) -> tuple[Tokens, NDArray[np.bool_]]:
    """(B, T) lines as a masked model reads them, and (B, T) which of their words it is asked for."""
    asked_BT = rng.random(lines_BT.shape) < objective.rate
    fate_BT = rng.random(lines_BT.shape)
    noise_BT = rng.integers(marks.words, size=lines_BT.shape)
    replaced = np.where(fate_BT < objective.as_mask + objective.as_random, noise_BT, lines_BT)
    replaced = np.where(fate_BT < objective.as_mask, marks.mask, replaced)
    return np.where(asked_BT, replaced, lines_BT), asked_BT


def _hidden(
    objective: Objective, marks: Marks, lines_BT: Tokens, rng: np.random.Generator
) -> tuple[Tokens, NDArray[np.bool_], Array]:
    if objective.kind == "masked":
        inputs, asked_BT = masked(objective, marks, lines_BT, rng)
        return inputs, asked_BT, np.ones(lines_BT.shape)
    count_B1 = rng.integers(1, lines_BT.shape[1] + 1, size=(len(lines_BT), 1))
    asked_BT = rng.random(lines_BT.shape).argsort(axis=1).argsort(axis=1) < count_B1
    return np.where(asked_BT, marks.mask, lines_BT), asked_BT, np.broadcast_to(1 / count_B1, lines_BT.shape)


def spans_apart(
    lines_BT: Tokens, objective: Objective, marks: Marks, rng: np.random.Generator
) -> tuple[Tokens, Tokens]:
    """(B, T - N + K) lines with a sentinel in the place of each span, and (B, N + K + 1) sentinels, spans, and an end.

    N and K are the same for every line, and a word at least stands between two spans.

    Raises:
        ValueError: more spans than sentinels, less the one that ends the target.

    Source: Raffel et al. 2019 (arXiv:1910.10683), section 3.1.4 and figure 2.
    """
    hidden_BT, first_BT = drawn_spans(len(lines_BT), lines_BT.shape[1], objective, rng)
    spans = int(first_BT[0].sum())
    if spans >= marks.sentinels:
        raise ValueError(f"{spans} spans and {marks.sentinels} sentinels; give one more than there are spans")
    sentinels_BT = marks.first_sentinel + np.maximum(first_BT.cumsum(axis=1) - 1, 0)
    count, kept_BT = len(lines_BT), ~hidden_BT | first_BT
    given = np.where(first_BT, sentinels_BT, lines_BT)[kept_BT].reshape(count, -1)
    both = np.stack([sentinels_BT, lines_BT], axis=2)[np.stack([first_BT, hidden_BT], axis=2)].reshape(count, -1)
    return given, np.hstack([both, np.full((count, 1), marks.first_sentinel + spans)])


def drawn_spans(
    count: int, length: int, objective: Objective, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(B, T) hidden words, and (B, T) those that a span begins with; every choice of spans is as likely as another."""
    hidden = max(1, round(length * objective.rate))
    spans = max(1, round(hidden / objective.span))
    inside_BK = _parts(count, hidden, spans, rng)
    outside = _parts(count, length - hidden + 2, spans + 1, rng)  # the outer two may be empty, hence 2 more
    outside[:, [0, -1]] -= 1
    begins_BK = np.cumsum(outside[:, :-1], axis=1) + np.cumsum(inside_BK, axis=1) - inside_BK
    places = np.arange(length)
    within: NDArray[np.bool_] = (places >= begins_BK[..., None]) & (places < (begins_BK + inside_BK)[..., None])
    begun: NDArray[np.bool_] = places == begins_BK[..., None]
    return np.logical_or.reduce(within, axis=1), np.logical_or.reduce(begun, axis=1)


def _parts(count: int, total: int, parts: int, rng: np.random.Generator) -> Tokens:
    """(count, parts) whole numbers from 1 that sum to `total`, each way as likely as another."""
    cuts = np.sort(rng.random((count, total - 1)).argsort(axis=1)[:, : parts - 1], axis=1) + 1
    edges = np.hstack([np.zeros((count, 1), dtype=np.int64), cuts, np.full((count, 1), total)])
    return np.diff(edges, axis=1)


def restored(given: Tokens, target: Tokens, marks: Marks) -> Tokens:
    """The line that a given line and its target of spans were made of, (T,) words."""
    spans: dict[int, list[int]] = {}
    for token in target:
        if token >= marks.first_sentinel:
            spans[int(token)] = (held := [])
        else:
            held.append(int(token))
    words = [word for token in given for word in spans.get(int(token), [int(token)])]
    return np.array(words)


def whole_target(lines_BT: Tokens, marks: Marks) -> Tokens:
    """(B, T + 1) the whole line and an end, as the target of whole-line denoising."""
    return np.hstack([lines_BT, np.full((len(lines_BT), 1), marks.first_sentinel)])
