"""Whether a cache changes what a model says: logits with a cache against those of full passes over each prefix."""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.measurement import Numbers, measurement
from repro.inference.cache_shapes import Fields


@dataclass(frozen=True)
class Generation:
    """A model with random weights that continues random prompts, always with its likeliest token.

    Fields: `fields` and `kind` as in `held_bytes.CacheFill`; `dtype` of weights, keys and values; `batch` sequences
    of `prompt` tokens, and `tokens` more; `late` places by which every token after the prompt is misplaced where there
    is a cache, 0 but for a planted fault.

    Raises:
        ValueError: no prompt or too few tokens.
    """

    fields: Fields
    kind: str
    dtype: str = "float64"
    batch: int = 2
    prompt: int = 8
    tokens: int = 48
    late: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.prompt < 1 or self.tokens < 2:
            raise ValueError(f"{self}; expected a prompt and at least two tokens after it")


@measurement(version=1)
def cache_agreement(config: Generation, seed: int) -> Numbers:
    """Continue without a cache, then read the same tokens with one, and compare at each step.

    `difference` is the largest over all logits, in standard deviations of a step's logits; `changed` of `steps`
    likeliest tokens are others with the cache; `same` says whether the logits are bit by bit the same.
    """
    from repro.inference.generations import compare  # not above: it needs torch

    return compare(config, seed)
