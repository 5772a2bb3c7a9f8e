"""Which caches are compared: small models of every kind of attention, and published ones."""

from __future__ import annotations

from collections.abc import Sequence

from repro.inference.caches.configurations import CacheFill, Generation
from repro.inference.caches.shapes import Fields, around_cache, tiny, tokens_within

WINDOW = 16
QUERIES = 8  # query heads of every small model


def small_models() -> dict[str, Fields]:
    """Models by name: 8, 2 and 1 keys for 8 queries; a window in every layer, or in every second; latents."""
    shared = {f"{heads} keys": tiny("llama", num_key_value_heads=heads) for heads in (QUERIES, 2, 1)}
    windowed = {family: tiny(family, sliding_window=WINDOW) for family in ("mistral", "gemma2")}
    return {**shared, **windowed, **{family: tiny(family) for family in ("deepseek_v2", "deepseek_v3")}}


def small_caches(precisions: Sequence[str], device: str) -> list[tuple[str, CacheFill]]:
    """(model, cache) to be weighed: grouped heads in each precision, everything else in bf16."""
    models = small_models()
    keys = [name for name in models if name.endswith("keys")]
    arms = [
        (name, kind, to) for to in precisions for kind in ("whole", "growing", "dynamic", "static") for name in keys
    ]
    arms += [(name, "fp8", "bfloat16") for name in keys]
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
    models |= {name: around_cache(name) for name in ("mistral-7b", "gemma-2-9b", "deepseek-v3", source)}
    room = {name: tokens_within(fields, most_bytes, tokens) for name, fields in models.items()}
    if min(room.values()) < 10:
        raise ValueError(f"only {min(room.values())} tokens fit into {most_bytes:g} bytes; give room for at least 10")
    return {
        name: CacheFill(
            fields=fields, kind="dynamic", batch=1, prompt=8, bulk=room[name] - 9, steps=1, cropped=4, device=device
        )
        for name, fields in models.items()
    }


def generations(tokens: int, device: str) -> list[Generation]:
    """Continuations with a cache and without: in float64, in float64 with every token misplaced, and in float32."""
    models = small_models()
    arms = [("2 keys", kind) for kind in ("whole", "growing", "dynamic", "static", "fp8")]
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
