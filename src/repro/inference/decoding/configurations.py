"""What trials of drawing and writing are of."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.floor.identity import added, renamed
from repro.inference.decoding.drawing import Drawing
from repro.inference.decoding.prompts import Prompts
from repro.training.configurations import Pretraining

DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class DrawingLaws:
    """Random logits in double precision, and the drawings that are tried on them.

    Fields: `laws` vectors of `vocabulary` logits, normal with deviation `spread`; slopes are compared at temperatures
    of `slopes_from` or more: below, what is left of the variance is rounding.
    """

    laws: int = 1000
    vocabulary: int = 50
    spread: float = 2.0
    temperatures: tuple[float, ...] = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.5, 5.0)
    slopes_from: float = 0.5
    top_k: tuple[int, ...] = (1, 5, 20)
    top_p: tuple[float, ...] = (0.5, 0.9, 0.95)
    min_p: tuple[float, ...] = (0.05, 0.1, 0.3)


@dataclass(frozen=True, kw_only=True)
class RepeatedAnswers:
    """Answers of `length` tokens written in batches of `batch`, then `repeats` times in batches of `repeat_batch`.

    Fields: `fresh` draws each repetition from a seed of its own; `dtype` of weights and arithmetic.

    Raises:
        ValueError: a type that is not compared.
    """

    model: Pretraining
    prompts: Prompts
    length: int
    drawing: Drawing
    batch: int = 8
    repeat_batch: int = renamed(8, spelled="again")
    repeats: int = 1
    fresh: bool = False
    dtype: str = "float32"
    device: str = added("cpu")

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; expected one of {', '.join(DTYPES)}")


@dataclass(frozen=True, kw_only=True)
class WrittenText:
    """An answer of `length` tokens to each prompt."""

    model: Pretraining
    prompts: Prompts
    length: int
    drawing: Drawing = field(default_factory=Drawing)
    device: str = added("cpu")
