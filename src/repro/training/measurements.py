"""Training runs as measurements: the test loss of a run from scratch, and of one taken up with fewer heads."""

from __future__ import annotations

from collections.abc import Sequence

from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.training.configurations import ORDER, Pretraining, Uptraining, alike


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

    `converted_loss` is read after the conversion, `final_loss` after the uptraining; `tokens_read` counts whole steps.

    Raises:
        Diverged: a loss that is no number.

    Source: Ainslie et al. 2023 (arXiv:2305.13245), section 2.1.
    """
    from repro.corpora.texts.text import tokens_of
    from repro.models.counting import parameters
    from repro.models.fewer_heads import with_fewer_heads
    from repro.training.loop import Trainer
    from repro.training.run import bits, finite, trained

    converted = with_fewer_heads(trained(config.start, seed), config.kv_heads, config.pooling, seed)
    text, second = tokens_of(config.start.text), config.second_run()
    trainer = Trainer(second, seed + ORDER, text)
    trainer.raw.load_state_dict(converted.state_dict())
    before = finite(trainer.test_loss(), 0)
    steps = config.tokens // second.batch
    for step in range(steps):
        trainer.step(step, config.rate_at(step))
    after = finite(trainer.test_loss(), steps) if steps else before
    return {
        "converted_loss": before,
        "final_loss": after,
        "bits_per_byte": None if text.bytes_per_token is None else bits(after) / text.bytes_per_token,
        "tokens_read": steps * second.batch,
        "parameters": parameters(second.model).total,
    }
