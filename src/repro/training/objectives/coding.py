"""An arithmetic coder: a text becomes one number in the range that its probabilities leave, written in bits.

Legend: T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from repro.floor.arrays import Array, Tokens

BITS = 32  # of the range
TOTAL = 1 << 16  # into which a law is divided: every token has a whole part, at least one
Law = Callable[[Tokens], Array]  # (t,) tokens so far -> (V,) probabilities of the next


def whole_parts(law_V: Array) -> Tokens:
    """(V + 1,) edges of the parts of `TOTAL` that a law gives its tokens: whole numbers, the same on both sides."""
    parts = 1 + np.floor(law_V * (TOTAL - len(law_V))).astype(np.int64)
    parts[parts.argmax()] += TOTAL - parts.sum()
    return np.concatenate([[0], np.cumsum(parts)])


def encoded(tokens_T: Tokens, law: Law) -> bytes:
    """The bytes of a text under a law; both are needed to read it back.

    Source: Witten, Neal & Cleary 1987, Arithmetic coding for data compression.
    """
    low, high, waiting, bits = 0, (1 << BITS) - 1, 0, list[int]()
    for place, token in enumerate(tokens_T):
        low, high = _narrowed(low, high, whole_parts(law(tokens_T[:place])), int(token))
        while (step := _step(low, high)) is not None:
            if step == 2:  # around the middle: the next bit that is known is followed by its opposite
                waiting += 1
            else:
                bits += [step] + [1 - step] * waiting
                waiting = 0
            low, high = _doubled(low, high, step)
    last = 0 if low < 1 << (BITS - 2) else 1  # then zeros: a number inside the range
    bits += [last] + [1 - last] * (waiting + 1)
    return np.packbits(np.array(bits, dtype=np.uint8)).tobytes()


def decoded(code: bytes, count: int, law: Law) -> Tokens:
    """The first `count` tokens of the text that these bytes were made of."""
    bits = iter(np.unpackbits(np.frombuffer(code, dtype=np.uint8)).tolist() + [0] * BITS)
    low, high = 0, (1 << BITS) - 1
    value = int("".join(str(next(bits)) for _ in range(BITS)), 2)
    tokens = list[int]()
    for _ in range(count):
        edges = whole_parts(law(np.array(tokens, dtype=np.int64)))
        place = ((value - low + 1) * TOTAL - 1) // (high - low + 1)
        tokens.append(int(np.searchsorted(edges, place, side="right")) - 1)
        low, high = _narrowed(low, high, edges, tokens[-1])
        while (step := _step(low, high)) is not None:
            shift = 1 << (BITS - 2) if step == 2 else step << (BITS - 1)
            value = 2 * (value - shift) + next(bits, 0)
            low, high = _doubled(low, high, step)
    return np.array(tokens, dtype=np.int64)


def merging_costs(shares_S: Array, laws_SC: Array) -> Array:
    """(S, S) nats per token that a predictor loses which takes two states for one; nothing on the diagonal."""
    pair_SS = shares_S[:, None] + shares_S
    mean_SSC = (shares_S[:, None, None] * laws_SC[:, None] + shares_S[None, :, None] * laws_SC) / pair_SS[..., None]
    loss_S = -(laws_SC * np.log(laws_SC)).sum(axis=-1) * shares_S
    merged_SS = -(mean_SSC * np.log(mean_SSC)).sum(axis=-1) * pair_SS
    costs: Array = merged_SS - loss_S[:, None] - loss_S
    np.fill_diagonal(costs, 0.0)
    return costs


def _narrowed(low: int, high: int, edges: Tokens, token: int) -> tuple[int, int]:
    size = high - low + 1
    return low + size * int(edges[token]) // TOTAL, low + size * int(edges[token + 1]) // TOTAL - 1


def _step(low: int, high: int) -> int | None:
    """The half in which the range lies, 0 or 1; 2 if it lies around the middle; None if it is wide enough."""
    half, quarter = 1 << (BITS - 1), 1 << (BITS - 2)
    if high < half:
        return 0
    if low >= half:
        return 1
    return 2 if low >= quarter and high < 3 * quarter else None


def _doubled(low: int, high: int, step: int) -> tuple[int, int]:
    shift = 1 << (BITS - 2) if step == 2 else step << (BITS - 1)
    return 2 * (low - shift), 2 * (high - shift) + 1
