"""What trials of trained families of problems are of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.corpora.languages.problems import Problems
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining, alike

TESTED = 4  # batches that the loss of a run is read from
READ = 16_384  # lines read at a time; attention on a GPU refuses 65,536 or more (pytorch/pytorch issue 142228)


@dataclass(frozen=True, kw_only=True)
class Learning:
    """A training run on problems, and how many unseen ones it is scored on (fewer where there are no more).

    Raises:
        ValueError: the text holds no problems, or the context is not one line.
    """

    run: Pretraining
    items: int = 4_000

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Problems) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected problems, one line a window")

    @property
    def problems(self) -> Problems:
        """The family."""
        assert isinstance(self.run.text, Problems)
        return self.run.text


def learning(
    family: str, size: int, base: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Learning:
    """A run of `steps` steps of `lines` problems each, all freshly drawn, at a peak rate of `rate` / width."""
    problems = Problems(family=family, size=size, base=base)
    batch = lines * problems.length
    problems = replace(problems, tokens=steps * batch + problems.length)
    shape = Decoder(
        vocabulary=problems.vocabulary, width=width, layers=layers, heads=max(1, width // 16), context=problems.length
    )
    run = Pretraining(
        model=shape,
        text=problems,
        readings=(steps * batch,),
        batch=batch,
        learning_rate=rate / width,
        warmup=batch * steps // 20,
    )
    # The loss over whole lines is read from few: it is no score, and half the time of a short run would go to it.
    return Learning(run=replace(run, test_tokens=TESTED * batch))


def learns_alike(config: Learning) -> Learning:
    """What runs that may train in one program have in common: all but the learning rate."""
    return replace(config, run=alike(config.run))
