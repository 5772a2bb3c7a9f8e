"""Training runs: from scratch, or from a finished one taken up again, with the learning rate at each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from repro.corpora.texts.text import Text
from repro.models.decoder import Decoder

SCHEDULES = ("stable-decay", "cosine", "constant")
COSINE_FLOOR = 0.1  # of the peak, at the end of a cosine; Hoffmann et al. 2022 (arXiv:2203.15556), app. B
WARMUP = 0.1  # of the uptraining's tokens; the rate falls linearly to zero over the rest
ORDER = 500_000  # added to the seed, so that uptraining reads the text on in another order than before

Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """A decoder trained on a text by AdamW.

    Fields: `readings` numbers of training tokens, repeats included, at which the test loss is read, the last at the end
    of the run; `batch` tokens per step; `learning_rate` the peak, reached after `warmup` tokens; `schedule` says what
    follows: stable-decay holds the peak and gives every reading a branch of its own, whose last `decay` share falls
    linearly to zero, so that one run serves several budgets; cosine falls to a tenth at the last reading; constant
    stays. `unique` tokens are read over and over (None: the whole text); `clip` the largest gradient norm;
    `test_tokens` how many tokens a reading is an average over.

    Raises:
        ValueError: readings that do not grow, a batch that is no whole number of sequences, an unknown schedule.
    """

    model: Decoder
    text: Text
    readings: tuple[int, ...]
    batch: int
    learning_rate: float
    warmup: int
    schedule: str = "stable-decay"
    decay: float = 0.2
    unique: int | None = None
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    clip: float = 1.0
    test_tokens: int = 65_536

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule is {self.schedule!r}; expected one of {', '.join(SCHEDULES)}")
        if self.batch < 1 or self.batch % self.model.context:
            raise ValueError(f"a batch of {self.batch} tokens is no whole number of sequences of {self.model.context}")
        if not self.readings or list(self.readings) != sorted(set(self.readings)) or self.readings[0] < self.batch:
            raise ValueError(f"readings are {self.readings}; expected growing token counts of at least one batch")
        if self.schedule == "stable-decay" and not 0 < self.decay <= 1:
            raise ValueError(f"decay is {self.decay}; expected a share of the run above 0 and at most 1")

    @property
    def sequences(self) -> int:
        """Sequences in a batch."""
        return self.batch // self.model.context

    def steps(self, tokens: int) -> int:
        """Optimiser steps that read `tokens`, to the nearest whole step."""
        return max(1, round(tokens / self.batch))

    def stop(self, reading: int) -> int:
        """The step at which the trunk is read: where the branch of this reading leaves it, else its end."""
        end = self.steps(reading)
        return max(1, round(end * (1 - self.decay))) if self.schedule == "stable-decay" else end


def alike(config: Config) -> Config:
    """The configuration at one learning rate for all: trials that are then equal may train in one program.

    The rate is that of its run, which may stand inside another configuration.
    """
    if isinstance(config, Pretraining):
        return replace(config, learning_rate=1.0)
    inner: Any = config
    nested = [part.name for part in fields(inner) if is_dataclass(getattr(inner, part.name))]
    rest: Config = replace(inner, **{name: alike(getattr(inner, name)) for name in nested})
    return rest


@dataclass(frozen=True, kw_only=True)
class Uptraining:
    """A finished run taken up again with fewer key-value heads.

    Fields: `start` the run whose weights are converted; `kv_heads` after the conversion (as many as before: the
    control, which changes nothing); `pooling` as `models.fewer_heads` has it; `tokens` to train on, 0 for the
    conversion alone; `rate` the peak learning rate over that of the first run.

    Raises:
        ValueError: tokens that are less than a batch and not 0, or a rate that is not positive.
    """

    start: Pretraining
    kv_heads: int
    pooling: str = "mean"
    tokens: int = 0
    rate: float = 1.0

    def __post_init__(self) -> None:
        if self.tokens and self.tokens < self.start.batch:
            raise ValueError(f"{self.tokens} tokens are less than a batch of {self.start.batch}; give more, or 0")
        if self.rate <= 0:
            raise ValueError(f"a rate of {self.rate} times the first run's; expected a positive number")

    @property
    def steps(self) -> int:
        """Whole steps after the conversion."""
        return self.tokens // self.start.batch

    def second_run(self) -> Pretraining:
        """The run that follows the conversion, of at least a step; `rate_at` has its schedule."""
        return replace(
            self.start,
            model=replace(self.start.model, kv_heads=self.kv_heads),
            readings=(max(self.tokens, self.start.batch),),
            learning_rate=self.rate * self.start.learning_rate,
            schedule="constant",
        )

    def rate_at(self, step: int) -> float:
        """The learning rate of step number `step`, counted from 0: up to the peak, then down to nothing."""
        done, peak, warmup = (step + 1) * self.start.batch, self.rate * self.start.learning_rate, WARMUP * self.tokens
        rising = warmed_up(done, peak=peak, warmup=round(warmup))
        return min(rising, decayed(done, peak=peak, start=round(warmup), end=self.tokens + self.start.batch))


def alike_second(config: Uptraining) -> Uptraining:
    """What second runs that train in one program have in common: all but how heads are pooled, and the rates."""
    return replace(alike(config), rate=1.0, pooling="mean")


def warmed_up(done: int, *, peak: float, warmup: int) -> float:
    """The rate that rises linearly to the peak over the first `warmup` tokens; `done` counts the step's own too."""
    return peak * min(1.0, done / warmup) if warmup else peak


def cosine(done: int, *, peak: float, warmup: int, horizon: int) -> float:
    """The rate that rises linearly to the peak, then falls as half a cosine to a tenth of it at `horizon` tokens."""
    if done < warmup:
        return warmed_up(done, peak=peak, warmup=warmup)
    progress = min(1.0, (done - warmup) / max(1, horizon - warmup))
    return peak * (COSINE_FLOOR + (1 - COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


def decayed(done: int, *, peak: float, start: int, end: int) -> float:
    """The rate that falls linearly from the peak at `start` tokens to nothing at `end`, as warm-up-stable-decay ends.

    Source: Hu et al. 2024 (arXiv:2404.06395); linear to zero as in Haegele et al. 2024 (arXiv:2405.18392).
    """
    return peak * max(0.0, (end - done) / max(1, end - start))
