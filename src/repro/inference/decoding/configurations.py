"""What trials of drawing and writing are of: how a token is drawn, prompts, and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.corpora.texts.text import Text, tokens_of
from repro.floor.identity import added, renamed
from repro.training.configurations import Pretraining

if TYPE_CHECKING:
    from torch import Tensor

DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How a token is drawn.

    Fields: `temperature` divides the logits, 0 takes the largest alone (greedy); `top_k` keeps the k likeliest tokens,
    0 all; `top_p` the fewest most likely ones that hold this share, 1 all; `min_p` those at least this share as likely
    as the likeliest, 0 all. They are applied in this order, as transformers does.

    Raises:
        ValueError: a value outside its range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0:
            raise ValueError(f"temperature {self.temperature}, top_k {self.top_k}; expected 0 or more")
        if not 0 < self.top_p <= 1 or not 0 <= self.min_p <= 1:
            raise ValueError(f"top_p {self.top_p}, min_p {self.min_p}; expected shares, top_p above 0")


GREEDY = Drawing(temperature=0.0)


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Evenly spaced windows of a text's test split; the first `skip` are left out, for tuning."""

    text: Text
    count: int
    length: int
    skip: int = 0

    def windows(self) -> Tensor:
        """Tokens (count, length).

        Raises:
            ValueError: the split is too short for windows that do not overlap.
        """
        import torch

        tokens, wanted = tokens_of(self.text).test, self.count + self.skip
        apart = len(tokens) // wanted
        if apart < self.length:
            raise ValueError(f"{len(tokens)} test tokens hold no {wanted} prompts of {self.length}; ask for fewer")
        starts = range(self.skip * apart, wanted * apart, apart)
        return torch.tensor([tokens[start : start + self.length].tolist() for start in starts])


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
