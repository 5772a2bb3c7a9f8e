"""Short runs on made-up languages, and trials that train such a run and then read the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from repro.corpora.texts.text import Text
from repro.floor.measurement import Diverged, Numbers, Together
from repro.models.counting import parameters, training_flops
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining, alike

if TYPE_CHECKING:
    from repro.models.transformer import Transformer

TESTED = 4  # batches that the loss of a run is read from: it is no score, and half the time would go to it
WARM_UP = 20  # the rate rises over the first one in so many of the steps

Reading = Callable[["Transformer", Any, int], Numbers]


def short_run(text: Text, context: int, *, width: int, layers: int, steps: int, lines: int, rate: float) -> Pretraining:
    """A run of `steps` steps of `lines` windows each, at a peak rate of `rate` / width.

    The model has a head for each 16 of its width. The text should hold `steps` times `lines` windows and one more, so
    that all are freshly drawn.
    """
    batch = lines * context
    return Pretraining(
        model=Decoder(
            vocabulary=text.vocabulary, width=width, layers=layers, heads=max(1, width // 16), context=context
        ),
        text=text,
        readings=(steps * batch,),
        batch=batch,
        learning_rate=rate / width,
        warmup=batch * steps // WARM_UP,
        test_tokens=TESTED * batch,
    )


class AfterTraining:
    """A reading of a model, made into trials that first train the `run` of their configuration; a decorator.

    Fields: `reading` (model, configuration, seed) -> numbers; `together` what `@measurement` asks for, so that many
    trials run in one program.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.together = Together(alike, self.trials)

    def trial(self, config: Any, seed: int) -> Numbers:
        """Train the run, or take its weights from the folder of checkpoints, and read the model.

        Raises:
            Diverged: a loss that is no number, or a run that ends worse than it began.
        """
        from repro.training.run import trained

        return self.reading(trained(config.run, seed), config, seed)

    def trials(self, configs: Sequence[Any], seeds: Sequence[int]) -> list[Numbers | Diverged]:
        """The numbers of `trial` for each configuration and seed, up to rounding, of runs trained in one program."""
        from repro.training.ensemble import trained_together

        models = trained_together([config.run for config in configs], seeds)
        return [
            model if isinstance(model, Diverged) else self.reading(model, config, seed)
            for model, config, seed in zip(models, configs, seeds, strict=True)
        ]


def cost_of(run: Pretraining) -> dict[str, int | float]:
    """The cost of a run: `parameters` that it trains, `flops` of the whole training."""
    flops = training_flops(run.model, run.readings[-1], run.model.context)
    return {"parameters": parameters(run.model).total, "flops": flops}
