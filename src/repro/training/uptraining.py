"""Uptraining: a trained decoder given fewer key-value heads, and trained on for a small share of its first run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.floor.measurement import Numbers, measurement
from repro.training.pretraining import Pretraining
from repro.training.schedule import decayed, warmed_up

WARMUP = 0.1  # of the uptraining's tokens; the rate falls linearly to zero over the rest
ORDER = 500_000  # added to the seed, so that the text is read on in another order than before


@dataclass(frozen=True)
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


@measurement(version=1)
def uptrain(config: Uptraining, seed: int) -> Numbers:
    """Convert the model that `start` trained from the same seed, train on, and read the test loss, nats per token.

    `converted_loss` is read after the conversion, `final_loss` after the uptraining.

    Source: Ainslie et al. 2023 (arXiv:2305.13245), section 2.1.
    """
    from repro.training.second_stage import second_stage  # not above: spelling a run needs no torch

    return second_stage(config, seed)
