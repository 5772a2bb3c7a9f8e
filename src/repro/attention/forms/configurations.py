"""What is asked of attention by hand: random numbers, and one thing that is done rightly or wrongly."""

from __future__ import annotations

from dataclasses import dataclass

WRITTEN = ("as told", "without the scale", "heads cut from tokens")
SCALES = ("none", "root of the width", "width")
FORMATS = ("float64", "float32", "bfloat16", "float16")
MASKS = ("none", "causal", "shifted by one")
FORMS = (
    *("tiles", "tiles, not rescaled"),
    *("linear, reordered", "linear, recurrent", "retention, recurrent", "softmax, reordered"),
)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Multi-head attention as article E writes it, beside torch's own with the same weights.

    Fields: `written` as told there, or with a fault; `masked` by a causal mask.
    """

    width: int = 64
    heads: int = 4
    tokens: int = 24
    written: str = WRITTEN[0]
    masked: bool = True

    def __post_init__(self) -> None:
        _refuse_other("written", self.written, WRITTEN)


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """The softmax over scores of unit normal queries and keys, divided by something or by nothing."""

    key_width: int
    divided_by: str = SCALES[0]
    keys: int = 64
    queries: int = 128

    def __post_init__(self) -> None:
        _refuse_other("divided_by", self.divided_by, SCALES)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A causal softmax whose masked scores are filled with a number instead of minus infinity, in one format."""

    fill: float = -1e9
    dtype: str = FORMATS[0]
    tokens: int = 16

    def __post_init__(self) -> None:
        _refuse_other("dtype", self.dtype, FORMATS)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Which tokens a layer of self-attention lets each token read, by its derivatives."""

    mask: str = MASKS[0]
    tokens: int = 16
    width: int = 16

    def __post_init__(self) -> None:
        _refuse_other("mask", self.mask, MASKS)


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """Attention whose queries come from one sequence and whose keys and values come from another."""

    queries: int = 12
    keys: int = 20
    width: int = 16


@dataclass(frozen=True, kw_only=True)
class Reordered:
    """Another way to compute a kind of attention, beside its definition, in double precision.

    Fields: `form` one of `FORMS`; `tile` keys per tile; `spread` the standard deviation of the scores.
    """

    form: str
    tokens: int = 128
    head_width: int = 16
    tile: int = 16
    spread: float = 3.0

    def __post_init__(self) -> None:
        _refuse_other("form", self.form, FORMS)


def _refuse_other(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise ValueError(f"{name} is {given!r}; expected one of {', '.join(choices)}")
