"""Speculative decoding: what a draft of g tokens, each accepted with probability a, brings.

Source: Leviathan et al. 2022 (arXiv:2211.17192), section 3.
"""

from __future__ import annotations


def expected_tokens(acceptance: float, drafted: int) -> float:
    """Tokens that a verification yields: (1 - a^(g+1)) / (1 - a), and g + 1 if all are accepted.

    Raises:
        ValueError: an acceptance that is no probability, or a negative draft.

    Source: eq. 1.
    """
    if not 0 <= acceptance <= 1:
        raise ValueError(f"acceptance is {acceptance}; expected a probability from 0 to 1")
    if drafted < 0:
        raise ValueError(f"drafted is {drafted}; expected 0 tokens or more")
    return sum(acceptance**place for place in range(drafted + 1))


def speed_up(acceptance: float, drafted: int, cost: float) -> float:
    """How many times faster than plain decoding; cost is a draft step's time over a verification's.

    Source: theorem 3.8.
    """
    return expected_tokens(acceptance, drafted) / (drafted * cost + 1)


def best_draft(acceptance: float, cost: float, *, longest: int = 64) -> int:
    """The number of drafted tokens with the greatest speed-up, 0 if none helps."""
    return max(range(longest + 1), key=lambda drafted: speed_up(acceptance, drafted, cost))
