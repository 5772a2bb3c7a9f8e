"""What is asked of the parts of a block: random numbers in double precision, and one thing done rightly or wrongly."""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("feed-forward", "attention")
UNITS = ("linear", "relu", "bilinear")


@dataclass(frozen=True, kw_only=True)
class Norms:
    """Vectors of so many numbers that are normalised by RMSNorm and by LayerNorm.

    Fields: `added` to every number, to see which norm minds.
    """

    width: int = 64
    vectors: int = 100
    added: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Gate:
    """SwiGLU as article C writes it, beside Llama's own; `swapped` puts gate and value in each other's place."""

    width: int = 48
    hidden: int = 128
    swapped: bool = False


@dataclass(frozen=True, kw_only=True)
class Across:
    """A part of a decoder's block, and which places of its input each place of its output depends on."""

    part: str = PARTS[0]
    tokens: int = 8
    width: int = 16

    def __post_init__(self) -> None:
        _refuse_other("part", self.part, PARTS)


@dataclass(frozen=True, kw_only=True)
class SubLayers:
    """One feed-forward part with its norm and residual addition, as a formula and as code, both from article E."""

    width: int = 32
    vectors: int = 50


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Tokens that are looked up in an embedding, and multiplied as one-hot rows by its matrix."""

    vocabulary: int = 64
    width: int = 16
    tokens: int = 20


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """One hidden layer with the best weights for exclusive or.

    Fields: `unit` linear, ReLU, or the product of two projections without an activation.
    """

    unit: str

    def __post_init__(self) -> None:
        _refuse_other("unit", self.unit, UNITS)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """So many random matrices in a row, with or without a ReLU between them."""

    layers: int = 6
    width: int = 32
    activated: bool = False


@dataclass(frozen=True, kw_only=True)
class Derivatives:
    """Directional derivatives of a small decoder's loss, by backpropagation and by differences.

    Fields: `directions` in the space of all parameters; `detached` stops the gradient at one matrix of each block.
    """

    directions: int = 50
    step: float = 1e-6
    detached: bool = False


def _refuse_other(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise ValueError(f"{name} is {given!r}; expected one of {', '.join(choices)}")
