"""What a cache saves and what concatenation costs: seconds, and bytes written.

On a CPU the seconds are one thread's own work, so that a busy machine counts for little; on a GPU a clock's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from repro.floor.measurement import Numbers, measurement
from repro.inference.cache_shapes import Fields


@dataclass(frozen=True)
class Lengths:
    """One sequence, generated token by token by our decoder with random weights.

    Fields: `fields` of a Llama's `config.json`; `lengths` at which the clock is read, ascending.

    Raises:
        ValueError: lengths that do not ascend.
    """

    fields: Fields
    lengths: tuple[int, ...] = (32, 64, 128, 256, 512)
    dtype: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        if len(self.lengths) < 2 or list(self.lengths) != sorted({*self.lengths}):
            raise ValueError(f"lengths {self.lengths}; expected at least two, ascending")


@measurement(version=1, alone=True)
def generation_seconds(config: Lengths, seed: int) -> Numbers:
    """Seconds until each length is generated, `cached` (whole) and `recomputed` (a full pass over each prefix)."""
    from repro.inference.generations import time_lengths  # not above: it needs torch

    return time_lengths(config, seed)


@dataclass(frozen=True)
class LongStep:
    """Steps of one token over a long cache, in arms that take turns step by step.

    Fields: `kinds` of caches, as in `held_bytes.CacheFill`; `held` tokens before the first step; `steps` of each arm.
    """

    fields: Fields
    kinds: tuple[str, ...] = ("whole", "growing", "static", "dynamic")
    held: int = 8192
    steps: int = 16
    dtype: str = "float32"
    device: str = "cpu"


@measurement(version=1, alone=True)
def long_step_seconds(config: LongStep, seed: int) -> Numbers:
    """Mean seconds of a step of the whole model, by kind of cache; the first step of each arm is not counted.

    `held` tokens before the first step and `steps` that were counted are given beside them.
    """
    from repro.inference.generations import time_long_steps  # not above: it needs torch

    return time_long_steps(config, seed)


@dataclass(frozen=True)
class Appending:
    """Tokens put into a cache one by one, without the model; `kind` as in `held_bytes.CacheFill`."""

    fields: Fields
    kind: str
    tokens: int = 256
    dtype: str = "bfloat16"


@measurement(version=1)
def appended_bytes(config: Appending, seed: int) -> Numbers:
    """Bytes that concatenations and copies write, over the first half of the tokens (`half`) and over all (`all`)."""
    from repro.inference.generations import count_written  # not above: it needs torch

    return count_written(config, seed)


def growth_of_ratio(lengths: Sequence[int], slow: Sequence[float], fast: Sequence[float]) -> float:
    """Slope of log (slow / fast) over log length, by least squares: 1 where the ratio grows as the length does."""
    return float(np.polyfit(np.log(lengths), np.log(np.divide(slow, fast)), 1)[0])
