"""Pairs of tokens that sparse attention reads, counted; arithmetic without torch."""

from __future__ import annotations

import math


def full_pairs(tokens: int) -> int:
    """Pairs of a token and itself or one before it."""
    return tokens * (tokens + 1) // 2


def window_pairs(tokens: int, window: int, everywhere: int = 0) -> int:
    """Pairs of causal attention to the last `window` tokens and to the first `everywhere` of the text.

    Source: Beltagy et al. 2020 (arXiv:2004.05150), section 3.1.
    """
    return sum(min(place + 1, window + min(everywhere, max(0, place + 1 - window))) for place in range(tokens))


def strided_pairs(tokens: int) -> int:
    """Pairs of causal attention to the last root-of-n tokens and to every root-of-n-th before them.

    Source: Child et al. 2019 (arXiv:1904.10509), section 4.2.
    """
    stride = math.isqrt(tokens)
    return sum(min(place + 1, stride) + max(0, place + 1 - stride) // stride for place in range(tokens))
