"""Bytes of the key-value cache, and the work that it saves. GiB is 2^30 bytes, GB is 10^9."""

from __future__ import annotations

from repro.sizing.architecture import Architecture, Attention
from repro.sizing.flops import score_pairs

GIB, GB = 2.0**30, 1e9


def kv_cache_bytes(
    *, layers: int, kv_heads: int, head_width: int, tokens: float, batch: float = 1, bits: float = 16
) -> float:
    """Bytes of keys and values: 2 x layers x key-value heads x head width x tokens x sequences x bits / 8.

    Source: Pope et al. 2022 (arXiv:2211.05102), section 3.3; Shazeer 2019 (arXiv:1911.02150) for fewer heads.
    """
    return 2 * layers * kv_heads * head_width * tokens * batch * bits / 8


def latent_cache_bytes(
    *, layers: int, kv_rank: int, rope_width: int, tokens: float, batch: float = 1, bits: float = 16
) -> float:
    """Bytes of multi-head latent attention's cache: one latent and one rotary key a token and layer.

    Source: DeepSeek-AI 2024 (arXiv:2405.04434), section 2.1.3, table 1.
    """
    return layers * (kv_rank + rope_width) * tokens * batch * bits / 8


def cache_bytes(
    model: Architecture, tokens: int, *, batch: int = 1, bits: float = 16, source: int | None = None
) -> float:
    """Bytes of a model's cache after `tokens` tokens: its own heads, latents and windows.

    Args:
        model: a decoder; the decoder of an encoder-decoder also keeps the keys and values of its source.
        tokens: in each sequence; a window keeps at most its own length.
        batch: sequences.
        bits: of one number; see `precision.group_bits` for a quantised cache.
        source: the encoder's tokens; as many as `tokens` if not given.

    Raises:
        ValueError: the model is a bare encoder, which keeps nothing.
    """
    if not model.causal:
        raise ValueError(f"{model.name} is an encoder and keeps no cache; give a decoder")
    read = tokens if source is None else source
    kept = 0
    for layer in model.layers:
        kept += _kept(layer.attention, tokens)
        kept += layer.crossed.cached_width * read if layer.crossed else 0
    return kept * batch * bits / 8


def cache_bytes_per_token(model: Architecture, *, bits: float = 16) -> float:
    """Bytes that the first token of a sequence adds to the cache, cross-attention left out."""
    return sum(layer.attention.cached_width for layer in model.layers) * bits / 8


def _kept(attention: Attention, tokens: int) -> int:
    return attention.cached_width * min(tokens, attention.window or tokens)


def longest_context(model: Architecture, free_bytes: float, *, batch: int = 1, bits: float = 16) -> int:
    """The most tokens a sequence whose cache fits into so many bytes; windows make it grow without end.

    Raises:
        ValueError: the model is a bare encoder, or every layer has a window that fits, so that no length is too long.
    """
    windows = [layer.attention.window for layer in model.layers]
    widest = max((window for window in windows if window), default=0)
    if None not in windows and cache_bytes(model, widest, batch=batch, bits=bits) <= free_bytes:
        raise ValueError(f"every layer of {model.name} has a window and all fit: no context is too long")
    low, high = 0, 1
    while cache_bytes(model, high, batch=batch, bits=bits) <= free_bytes:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = cache_bytes(model, middle, batch=batch, bits=bits) <= free_bytes
        low, high = (middle, high) if fits else (low, middle)
    return low


def generation_passes(tokens: int, *, cached: bool) -> int:
    """Tokens that pass through the model to generate so many: each once, or all of the prefix again at each step."""
    return tokens if cached else tokens * (tokens + 1) // 2


def generation_pairs(tokens: int, *, cached: bool, dense: bool = True) -> int:
    """Query-key products a head and layer to generate so many tokens, from an empty prompt.

    With a cache n(n+1)/2. Without, sum of t^2 (dense, n^3/3 for large n) or of t(t+1)/2 (causal, n^3/6).
    """
    if cached:
        return score_pairs(tokens)
    return sum(score_pairs(step, dense=dense) for step in range(1, tokens + 1))


def paged_waste(mean_tokens: float, block: int) -> float:
    """Share of a paged cache that lies idle, if lengths are spread evenly over the last block: (b-1)/2 tokens each.

    Source: Kwon et al. 2023 (arXiv:2309.06180), section 4.1.
    """
    idle = (block - 1) / 2
    return idle / (mean_tokens + idle)
