"""Compute-optimal size and tokens by the rule of twenty, and when a smaller, longer trained model pays.

The fitted surfaces behind the rule are in `repro.fits`.
"""

from __future__ import annotations

import math

from repro.sizing.operations.flops import (
    FLOP_PER_PARAMETER_TOKEN,
    FORWARD_FLOP_PER_PARAMETER_TOKEN,
    training_flops,
)

# Hoffmann et al. 2022 (arXiv:2203.15556), table 3: 1.4T tokens for 67B parameters and about the same for other sizes.
TOKENS_PER_PARAMETER = 20.0


def optimal_tokens(parameters: float, *, ratio: float = TOKENS_PER_PARAMETER) -> float:
    """Tokens on which a model of this size is compute-optimal."""
    return ratio * parameters


def optimal_size(flops: float, *, ratio: float = TOKENS_PER_PARAMETER) -> tuple[float, float]:
    """Parameters and tokens that a budget of 6 N D operations buys at so many tokens per parameter."""
    parameters = math.sqrt(flops / (FLOP_PER_PARAMETER_TOKEN * ratio))
    return parameters, ratio * parameters


def break_even_tokens(*, small: float, small_tokens: float, large: float, large_tokens: float) -> float:
    """Served tokens after which a small model has cost no more than a large one of equal quality.

    (6 N1 D1 - 6 N2 D2) / (2 (N2 - N1)), N parameters and D training tokens.

    Raises:
        ValueError: the small model is not the smaller one.

    Source: the reasoning of Sardana & Frankle 2023 (arXiv:2401.00448), section 2.
    """
    if small >= large:
        raise ValueError(f"the small model has {small:.4g} parameters and the large one {large:.4g}; swap them")
    extra = training_flops(small, small_tokens) - training_flops(large, large_tokens)
    return extra / (FORWARD_FLOP_PER_PARAMETER_TOKEN * (large - small))
