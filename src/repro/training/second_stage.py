"""What uptraining does with torch: the weights of a first run, converted, go on in a second."""

from __future__ import annotations

from repro.corpora.texts.text import tokens_of
from repro.floor.measurement import Numbers
from repro.models.counting import parameters
from repro.models.fewer_heads import with_fewer_heads
from repro.training.configurations import ORDER, Uptraining
from repro.training.loop import Trainer
from repro.training.run import bits, finite, trained


def second_stage(config: Uptraining, seed: int) -> Numbers:
    """See `uptraining.uptrain`; token counts are those used, whole steps."""
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
