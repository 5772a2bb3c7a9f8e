"""What trials of caches are of: bytes held, logits compared, steps timed, bytes written; small and published models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.inference.caches.shapes import Fields, around_cache, shape_of, tiny, tokens_within
from repro.sizing.memory.cache import cache_bytes
from repro.sizing.memory.precision import DTYPE_BITS
from repro.sizing.published import shown_name

KINDS = ("whole", "growing", "dynamic", "static", "fp8")
WHOLE = ("whole", "static")  # allocated at their capacity, once
WINDOW = 16  # tokens of the small models that have one
QUERIES = 8  # query heads of every small model


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


def small_models() -> dict[str, Fields]:
    """Models by name: 8, 2 and 1 keys for 8 queries; a window in every layer, or in every second; latents."""
    shared = {f"{heads} keys": tiny("llama", num_key_value_heads=heads) for heads in (QUERIES, 2, 1)}
    windowed = {family: tiny(family, sliding_window=WINDOW) for family in ("mistral", "gemma2")}
    return {**shared, **windowed, **{family: tiny(family) for family in ("deepseek_v2", "deepseek_v3")}}


def small_caches(precisions: Sequence[str], device: str, *, eight_bits: bool) -> list[tuple[str, CacheFill]]:
    """(model, cache) to be weighed: grouped heads in each precision, everything else in bf16.

    Args:
        eight_bits: with the 8-bit caches of transformers, which 5.17 does not have.
    """
    models = small_models()
    keys = [name for name in models if name.endswith("keys")]
    arms = [
        (name, kind, to) for to in precisions for kind in ("whole", "growing", "dynamic", "static") for name in keys
    ]
    arms += [(name, "fp8", "bfloat16") for name in keys if eight_bits]
    arms += [(name, "dynamic", "bfloat16") for name in models if name not in keys]
    arms += [(name, "static", "bfloat16") for name in ("mistral", "gemma2")]
    return [(name, CacheFill(fields=models[name], kind=kind, dtype=to, device=device)) for name, kind, to in arms]


def published_caches(source: str, tokens: int, most_bytes: float, device: str) -> dict[str, CacheFill]:
    """Caches of one sequence in bf16, by name: Llama 2 70B with 64, 8 and 1 keys, windows, latents, and `source`.

    Args:
        source: a published model's name, or the path of a `config.json`.
        tokens: the most that are held, if they fit into `most_bytes`.

    Raises:
        ConfigRefused: `source` cannot be built here.
        ValueError: so few bytes that a prompt does not fit.
    """
    models = {f"llama-2-70b, {n} keys": around_cache("llama-2-70b", num_key_value_heads=n) for n in (64, 8, 1)}
    others = ("mistral-7b", "gemma-2-9b", "deepseek-v3", source)
    models |= {shown_name(name): around_cache(name) for name in others}
    room = {name: tokens_within(fields, most_bytes, tokens) for name, fields in models.items()}
    if min(room.values()) < 10:
        raise ValueError(f"only {min(room.values())} tokens fit into {most_bytes:g} bytes; give room for at least 10")
    return {
        name: CacheFill(
            fields=fields, kind="dynamic", batch=1, prompt=8, bulk=room[name] - 9, steps=1, cropped=4, device=device
        )
        for name, fields in models.items()
    }


def generations(tokens: int, device: str, *, eight_bits: bool) -> list[Generation]:
    """Continuations with a cache and without: in float64, in float64 with every token misplaced, and in float32.

    Args:
        eight_bits: as in `small_caches`.
    """
    models = small_models()
    arms = [("2 keys", kind) for kind in KINDS if kind != "fp8" or eight_bits]
    arms += [("mistral", "static"), *((name, "dynamic") for name in ("mistral", "gemma2", "deepseek_v3"))]
    how = [("float64", 0), ("float64", 1), ("float32", 0)]
    return [
        Generation(fields=models[name], kind=kind, dtype=to, tokens=tokens, late=late, device=device)
        for name, kind in arms
        for to, late in how
    ]


def timed_model(width: int) -> Fields:
    """A Llama of 4 layers with 8 heads of its own, for contexts of up to 16384 tokens."""
    return tiny(
        "llama",
        hidden_size=width,
        intermediate_size=3 * width,
        num_key_value_heads=QUERIES,
        head_dim=width // QUERIES,
        max_position_embeddings=16384,
    )
