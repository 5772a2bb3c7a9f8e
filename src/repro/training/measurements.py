"""Training runs as measurements: the test loss of a run from scratch, and of one taken up with fewer heads."""

from __future__ import annotations

from collections.abc import Sequence

from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.training.configurations import ORDER, Pretraining, Uptraining, alike, alike_second


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


def uptrain_together(configs: Sequence[Uptraining], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`uptrain` of many second runs of one shape in one program, up to rounding, after their first runs in another."""
    from repro.training.ensemble import uptrained_together

    losses = uptrained_together(configs, seeds)
    return [
        ends if isinstance(ends, Diverged) else _second_numbers(config, *ends)
        for config, ends in zip(configs, losses, strict=True)
    ]


@measurement(version=1, together=Together(alike_second, uptrain_together))
def uptrain(config: Uptraining, seed: int) -> Numbers:
    """Convert the model that `start` trained from the same seed, train on, and read the test loss, nats per token.

    `converted_loss` is read after the conversion, `final_loss` after the uptraining; `tokens_read` counts whole steps.

    Raises:
        Diverged: a loss that is no number.

    Source: Ainslie et al. 2023 (arXiv:2305.13245), section 2.1.
    """
    from repro.corpora.texts.text import tokens_of
    from repro.models.fewer_heads import with_fewer_heads
    from repro.training.loop import Trainer
    from repro.training.run import finite, trained

    converted = with_fewer_heads(trained(config.start, seed), config.kv_heads, config.pooling, seed)
    second = config.second_run()
    trainer = Trainer(second, seed + ORDER, tokens_of(config.start.text))
    trainer.raw.load_state_dict(converted.state_dict())
    before = finite(trainer.test_loss(), 0)
    for step in range(config.steps):
        trainer.step(step, config.rate_at(step))
    after = finite(trainer.test_loss(), config.steps) if config.steps else before
    return _second_numbers(config, before, after)


def _second_numbers(config: Uptraining, before: float, after: float) -> Numbers:
    from repro.corpora.texts.text import tokens_of
    from repro.models.counting import parameters
    from repro.training.run import bits

    bytes_per_token = tokens_of(config.start.text).bytes_per_token
    return {
        "converted_loss": before,
        "final_loss": after,
        "bits_per_byte": None if bytes_per_token is None else bits(after) / bytes_per_token,
        "tokens_read": config.steps * config.start.batch,
        "parameters": parameters(config.second_run().model).total,
    }
