"""A training run from scratch: its configuration, and the measurement that reads its losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repro.corpora.text import Text
from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.models.decoder import Decoder

SCHEDULES = ("stable-decay", "cosine", "constant")


@dataclass(frozen=True)
class Pretraining:
    """A decoder trained on a text by AdamW.

    Fields: `readings` numbers of training tokens, repeats included, at which the test loss is read; the last one ends
    the run; `batch` tokens a step; `learning_rate` the peak, reached after `warmup` tokens; `schedule` says what
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


def alike(config: Pretraining) -> Pretraining:
    """What runs that may train in one program have in common: all but the learning rate."""
    return replace(config, learning_rate=1.0)


def pretrain_together(configs: Sequence[Pretraining], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`pretrain` of many runs of one shape in one program, up to rounding."""
    from repro.training.ensemble import run_together

    return [run if isinstance(run, Diverged) else run.numbers() for run in run_together(configs, seeds)]


@measurement(version=1, together=Together(alike, pretrain_together))
def pretrain(config: Pretraining, seed: int) -> Numbers:
    """Train, and read the test loss at each reading, in nats per token.

    The seed draws the weights and the order of the text. Lists run over the readings: `loss` after the decay that the
    schedule has, `stable_loss` before it, where the branch leaves the trunk (stable-decay alone). The curve is the mean
    training loss on the trunk since the point before.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.training.launch import ranks_wanted, run_over_ranks
    from repro.training.run import run  # not above: spelling a run needs no torch

    ranks = ranks_wanted()
    return run(config, seed).numbers() if ranks == 1 else run_over_ranks(config, seed, ranks=ranks)
