"""What temperature, truncation and greedy choice do to text, and whether it comes out the same twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.floor.identity import added
from repro.floor.measurement import Numbers, measurement
from repro.inference.drawing import Drawing
from repro.inference.pair import Prompts
from repro.training.pretraining import Pretraining

DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class DrawingLaws:
    """Logits from a normal distribution of deviation `spread`, in double precision, and the drawings tried on them.

    Slopes are compared at temperatures of `slopes_from` or more: below, what is left of the variance is rounding.
    """

    laws: int = 1000
    vocabulary: int = 50
    spread: float = 2.0
    temperatures: tuple[float, ...] = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.5, 5.0)
    slopes_from: float = 0.5
    top_k: tuple[int, ...] = (1, 5, 20)
    top_p: tuple[float, ...] = (0.5, 0.9, 0.95)
    min_p: tuple[float, ...] = (0.05, 0.1, 0.3)


@measurement(version=1)
def check_drawings(config: DrawingLaws, seed: int) -> Numbers:
    """Entropy against temperature, and each truncation against transformers' own.

    `entropies` the mean at each temperature, in nats; `least_rise` from one to the next, of any logits;
    `slope_deviation` the largest relative one of dH/dT from Var(z) / T^3, the variance under the law itself;
    `difference` the largest of a probability; `kept` the mean number of tokens that each truncation keeps.

    Source: the slope is the heat capacity of statistical mechanics, temperature in units of energy.
    """
    from repro.inference.answers import drawings_checked  # not above: spelling a configuration needs no torch

    return drawings_checked(config, seed)


@dataclass(frozen=True)
class RepeatedAnswers:
    """Answers of `length` tokens written in batches of `batch`, and again `repeats` times in batches of `again`.

    Fields: `fresh` draws each repetition from a seed of its own; `dtype` of weights and arithmetic.

    Raises:
        ValueError: a type that is not compared.
    """

    model: Pretraining
    prompts: Prompts
    length: int
    drawing: Drawing
    batch: int = 8
    again: int = 8
    repeats: int = 1
    fresh: bool = False
    dtype: str = "float32"
    device: str = added("cpu")

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; expected one of {', '.join(DTYPES)}")


@measurement(version=1)
def repeat_answers(config: RepeatedAnswers, seed: int) -> Numbers:
    """How many answers are `identical` to those written first, of `answers`; `agreed` tokens before they part."""
    from repro.inference.answers import answers_repeated

    return answers_repeated(config, seed)


@dataclass(frozen=True)
class WrittenText:
    """An answer of `length` tokens to each prompt."""

    model: Pretraining
    prompts: Prompts
    length: int
    drawing: Drawing = field(default_factory=Drawing)
    device: str = added("cpu")


@measurement(version=1)
def write_text(config: WrittenText, seed: int) -> Numbers:
    """Shares in each answer: `distinct` pairs of tokens, and 4-grams that stood in it before, `repeated`."""
    from repro.inference.answers import text_written

    return text_written(config, seed)
