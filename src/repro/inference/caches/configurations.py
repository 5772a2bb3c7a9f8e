"""What trials of caches are of: bytes held, logits compared, steps timed, bytes written."""

from __future__ import annotations

from dataclasses import dataclass

from repro.inference.caches.shapes import Fields, shape_of
from repro.sizing.memory.cache import cache_bytes
from repro.sizing.memory.precision import DTYPE_BITS

KINDS = ("whole", "growing", "dynamic", "static", "fp8")
WHOLE = ("whole", "static")  # allocated at their capacity, once


@dataclass(frozen=True, kw_only=True)
class CacheFill:
    """A model with random weights that reads a prompt, then single tokens, into a cache.

    Fields: `fields` of a `config.json`, sorted by name; `kind` whole (ours, one allocation), growing (ours, by
    concatenation), or of `transformers` dynamic, static and fp8; `dtype` of weights, keys and values; `batch`
    sequences of `prompt` tokens; `bulk` tokens put into the cache after it without the model, which makes long caches
    cheap; `steps` tokens read one by one after these; `spare` tokens for which a cache that is allocated whole has room
    beyond these; `cropped` tokens dropped at the end.

    Raises:
        ValueError: a kind or precision that there is not, or too little spare room for the tokens appended.
    """

    fields: Fields
    kind: str
    dtype: str = "bfloat16"
    batch: int = 2
    prompt: int = 24
    bulk: int = 0
    steps: int = 4
    spare: int = 12
    cropped: int = 8
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.dtype not in DTYPE_BITS:
            raise ValueError(f"{self.kind}, {self.dtype}; expected one of {KINDS} and one of {tuple(DTYPE_BITS)}")
        if min(self.batch, self.prompt, self.steps) < 1 or self.spare < 2 or self.cropped >= self.prompt:
            raise ValueError(f"{self}; expected a prompt, a step, spare room for 2 tokens, and fewer cropped than read")

    @property
    def tokens(self) -> int:
        """All that are held of each sequence before the crop."""
        return self.prompt + self.bulk + self.steps

    @property
    def capacity(self) -> int:
        """Tokens for which a cache that is allocated whole has room."""
        return self.tokens + self.spare

    def predicted(self) -> float:
        """Bytes of keys and values after all of `tokens`, by the formula."""
        bits = 8 if self.kind == "fp8" else DTYPE_BITS[self.dtype]
        tokens = self.capacity if self.kind in WHOLE else self.tokens
        return cache_bytes(shape_of(self.fields), tokens, batch=self.batch, bits=bits)


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A model with random weights that continues random prompts, always with its likeliest token.

    Fields: `fields` and `kind` as in `CacheFill`; `dtype` of weights, keys and values; `batch` sequences
    of `prompt` tokens, and `tokens` more; `late` places by which a cache's tokens after the prompt are misplaced, 0
    but for a planted fault.

    Raises:
        ValueError: no prompt or too few tokens.
    """

    fields: Fields
    kind: str
    dtype: str = "float64"
    batch: int = 2
    prompt: int = 8
    tokens: int = 48
    late: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.prompt < 1 or self.tokens < 2:
            raise ValueError(f"{self}; expected a prompt and at least two tokens after it")


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """One sequence, generated token by token by our decoder with random weights.

    Fields: `fields` of a Llama's `config.json`; `lengths` at which the clock is read, ascending.

    Raises:
        ValueError: lengths that do not ascend.
    """

    fields: Fields
    lengths: tuple[int, ...] = (32, 64, 128, 256, 512)
    dtype: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        if len(self.lengths) < 2 or list(self.lengths) != sorted({*self.lengths}):
            raise ValueError(f"lengths {self.lengths}; expected at least two, ascending")


@dataclass(frozen=True, kw_only=True)
class LongStep:
    """Steps of one token over a long cache, by kinds of caches that take turns.

    Fields: `kinds` of caches, as in `CacheFill`; `held` tokens before the first step; `steps` of each arm.
    """

    fields: Fields
    kinds: tuple[str, ...] = ("whole", "growing", "static", "dynamic")
    held: int = 8192
    steps: int = 16
    dtype: str = "float32"
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Appending:
    """Tokens put into a cache one by one, without the model; `kind` as in `CacheFill`."""

    fields: Fields
    kind: str
    tokens: int = 256
    dtype: str = "bfloat16"
