"""Steps of a generation: with a full pass instead of a cache, timed at lengths, and over a cache that is long already.

B batch, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from repro.inference.caches.configurations import Lengths, LongStep
from repro.inference.caches.filled import Filling, filling
from repro.instruments.turns import clock
from repro.models.transformer import Transformer


def recompute(model: Any, tokens_BT: Tensor) -> Tensor:
    """Logits (B, V) after the last token, by a full pass without a cache."""
    if isinstance(model, Transformer):
        return model.output(model.hidden(tokens_BT)[:, -1])  # type: ignore[no-any-return]
    return model(tokens_BT, use_cache=False, logits_to_keep=1).logits[:, -1]  # type: ignore[no-any-return]


def seconds_at(config: Lengths, step: Callable[[int], object]) -> list[float]:
    """Seconds from the first token until each of the lengths is reached, by a step that takes a token's place."""
    start, seconds = clock(config.device), []
    for place in range(config.lengths[-1]):
        step(place)
        if place + 1 in config.lengths:
            seconds.append(clock(config.device) - start)
    return seconds


def long_cache(model: Any, kind: str, config: LongStep, first_BT: Tensor) -> Filling:
    """A cache that holds `held` tokens, of which the model has read the first and the others are zeros."""
    filled = filling(model, kind, batch=1, capacity=config.held + config.steps + 1)
    filled.read(first_BT)
    filled.append(filled.zeros(config.held - 1))
    return filled
