"""A training run from scratch: its configuration, and the measurement that reads its losses."""

from __future__ import annotations

from collections.abc import Sequence

from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.training.configurations import Pretraining, Uptraining, alike


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
    from repro.training.run import run

    ranks = ranks_wanted()
    return run(config, seed).numbers() if ranks == 1 else run_over_ranks(config, seed, ranks=ranks)


@measurement(version=1)
def uptrain(config: Uptraining, seed: int) -> Numbers:
    """Convert the model that `start` trained from the same seed, train on, and read the test loss, nats per token.

    `converted_loss` is read after the conversion, `final_loss` after the uptraining.

    Source: Ainslie et al. 2023 (arXiv:2305.13245), section 2.1.
    """
    from repro.training.second_stage import second_stage

    return second_stage(config, seed)
