"""What is asked of encodings of position: rotations, biases, and decoders whose places or tokens change."""

from __future__ import annotations

from dataclasses import dataclass

from repro.models.decoder import Decoder

ROTATED = ("query and key", "query alone", "key by another base", "embedding")


@dataclass(frozen=True, kw_only=True)
class Rotations:
    """Scores of one query and one key at the same offset, at many places.

    Fields: `head_width` numbers of a head; `rotated` what is turned: query and key, as RoPE says, or one of three
    other things, of which the last turns the embedding and multiplies by the matrices of query and key afterwards;
    `offsets` query's place minus key's; `places` at which each offset is read, up to `longest`.

    Raises:
        ValueError: something that is not turned here.
    """

    head_width: int = 64
    base: float = 10_000.0
    rotated: str = ROTATED[0]
    offsets: tuple[int, ...] = (0, 1, 100, 1_000)
    places: int = 1_000
    longest: int = 4_096

    def __post_init__(self) -> None:
        if self.rotated not in ROTATED:
            raise ValueError(f"rotated is {self.rotated!r}; expected one of {', '.join(ROTATED)}")


@dataclass(frozen=True, kw_only=True)
class Forms:
    """Heads turned by each form of RoPE, at the first `time` places."""

    head_width: int = 64
    base: float = 10_000.0
    time: int = 512


@dataclass(frozen=True, kw_only=True)
class Biases:
    """The linear biases of so many heads over so many tokens."""

    heads: int = 8
    time: int = 128


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A random decoder in double precision that reads the same tokens at the first places and `shift` further on."""

    shape: Decoder
    shift: int = 17
    tokens: int = 24

    def __post_init__(self) -> None:
        if self.shift + self.tokens > self.shape.context:
            raise ValueError(
                f"{self.tokens} tokens moved by {self.shift} end beyond the context of {self.shape.context}; "
                "give the shape a longer one"
            )


@dataclass(frozen=True, kw_only=True)
class Permuted:
    """A random decoder without positions, in double precision, that reads tokens in two orders.

    Fields: `causal` whether a token sees only itself and those before it; `tokens` distinct ones, of which the last
    keeps its place.
    """

    shape: Decoder
    causal: bool = True
    tokens: int = 24


@dataclass(frozen=True, kw_only=True)
class PositionTable:
    """A GPT-2 of `transformers` with so many learned position vectors, given sequences of several lengths."""

    rows: int = 1_024
    lengths: tuple[int, ...] = (1_023, 1_024, 1_025, 2_048)
