"""Bytes of a cache that a model's forward passes really fill, beside those that the formula predicts."""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.measurement import Numbers, measurement
from repro.inference.cache_shapes import Fields, shape_of
from repro.sizing.cache import cache_bytes

KINDS = ("whole", "growing", "dynamic", "static", "fp8")
WHOLE = ("whole", "static")  # allocated at their capacity, once
BITS = {"float64": 64, "float32": 32, "bfloat16": 16, "float16": 16}


@dataclass(frozen=True)
class CacheFill:
    """A model with random weights that reads a prompt, then single tokens, into a cache.

    Fields: `fields` of a `config.json`, sorted by name; `kind` whole (ours, one allocation), growing (ours, by
    concatenation), or of `transformers` dynamic, static and fp8; `dtype` of weights, keys and values; `batch`
    sequences of `prompt` tokens; `bulk` tokens put into the cache after it without the model, which makes long caches
    cheap; `steps` tokens read one by one after these; `spare` tokens that a cache which is
    allocated whole has room for beyond these; `cropped` tokens dropped at the end.

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
        if self.kind not in KINDS or self.dtype not in BITS:
            raise ValueError(f"{self.kind}, {self.dtype}; expected one of {KINDS} and one of {tuple(BITS)}")
        if min(self.batch, self.prompt, self.steps) < 1 or self.spare < 2 or self.cropped >= self.prompt:
            raise ValueError(f"{self}; expected a prompt, a step, spare room for 2 tokens, and fewer cropped than read")

    @property
    def tokens(self) -> int:
        """Kept in all, of each sequence."""
        return self.prompt + self.bulk + self.steps

    @property
    def capacity(self) -> int:
        """Tokens that a cache which is allocated whole has room for."""
        return self.tokens + self.spare

    def predicted(self) -> float:
        """Bytes of keys and values after all of `tokens`, by the formula."""
        bits = 8 if self.kind == "fp8" else BITS[self.dtype]
        kept = self.capacity if self.kind in WHOLE else self.tokens
        return cache_bytes(shape_of(self.fields), kept, batch=self.batch, bits=bits)


@measurement(version=1)
def held_bytes(config: CacheFill, seed: int) -> Numbers:
    """Fill the cache, append a token, crop, append another, and count bytes at each turn.

    `held` are bytes of the storages behind keys and values, `seen` what their tensors show of them, `beside` those of
    counters and scales; `alive` and `peak` are the allocator's own count, the model's weights left out. An append puts
    a token's keys and values into the cache, layer by layer, without the model. After a crop the fields are None where
    the cache refuses to crop, with its reason in `refused`. `allocated_peak` is the CUDA allocator's, None on a CPU.
    """
    from repro.inference.filled_caches import fill_and_count  # not above: it needs torch

    return {"predicted": config.predicted(), **fill_and_count(config, seed)}
