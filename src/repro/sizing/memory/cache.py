"""Bytes of the key-value cache, and the work that it saves. GiB is 2^30 bytes, GB is 10^9."""

from __future__ import annotations

from dataclasses import dataclass

from repro.sizing.models.architecture import Architecture
from repro.sizing.operations.flops import score_pairs

GIB, GB = 2.0**30, 1e9


def kv_cache_bytes(
    *, layers: int, kv_heads: int, head_width: int, tokens: float, batch: float = 1, bits: float = 16
) -> float:
    """Bytes of keys and values: 2 x layers x key-value heads x head width x tokens x sequences x bits / 8.

    Source: Pope et al. 2022 (arXiv:2211.05102), section 3.3; Shazeer 2019 (arXiv:1911.02150) for fewer heads.
    """
    return 2 * layers * kv_heads * head_width * tokens * batch * bits / 8


@dataclass(frozen=True)
class Cached:
    """Numbers kept of each token: of all tokens (`full`), and of the last `window` tokens alone (`windowed`).

    `state` are numbers kept of a sequence, however long it is, by layers without attention.
    """

    full: int
    windowed: int
    window: int
    state: int = 0

    def numbers(self, tokens: float) -> float:
        """Numbers kept of one sequence."""
        return self.full * tokens + self.windowed * min(tokens, self.window) + self.state


def cached_numbers(model: Architecture) -> Cached:
    """What a decoder keeps of its own tokens, cross-attention left out.

    Raises:
        ValueError: the model is a bare encoder, which keeps nothing, or nobody knows what it keeps, or its layers have
            windows of several lengths.
    """
    if not model.causal:
        raise ValueError(f"{model.name} is an encoder and keeps no cache; give a decoder")
    if model.uncached:
        raise ValueError(f"{model.name}: what it keeps of a token is not known, since {model.uncached}")
    windows = {layer.attention.window for layer in model.layers} - {None}
    if len(windows) > 1:
        raise ValueError(f"{model.name} has windows of {sorted(map(str, windows))} tokens; expected one length")
    full = sum(layer.attention.cached_width for layer in model.layers if layer.attention.window is None)
    windowed = sum(layer.attention.cached_width for layer in model.layers) - full
    return Cached(full, windowed, next(iter(windows), 0) or 0, sum(layer.state for layer in model.layers))


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
    read = tokens if source is None else source
    crossed = sum(layer.crossed.cached_width for layer in model.layers if layer.crossed)
    return (cached_numbers(model).numbers(tokens) + crossed * read) * batch * bits / 8


def longest_context(model: Architecture, free_bytes: float, *, batch: int = 1, bits: float = 16) -> int:
    """The most tokens in each sequence whose cache fits into so many bytes; 0 if not even one does.

    Raises:
        ValueError: the model is a bare encoder, or no layer keeps all tokens and what they keep fits.
    """
    cached = cached_numbers(model)
    room = max(0.0, free_bytes * 8 / bits / batch - cached.state)
    if room < (cached.full + cached.windowed) * cached.window:
        return int(room // (cached.full + cached.windowed))
    if not cached.full:
        raise ValueError(f"no layer of {model.name} keeps all tokens, and what they keep fits: no context is too long")
    return int((room - cached.windowed * cached.window) // cached.full)


def generation_passes(tokens: int, *, cached: bool) -> int:
    """Tokens that pass through the model to generate so many: each once, or all of the prefix again at each step."""
    return tokens if cached else tokens * (tokens + 1) // 2


def generation_pairs(tokens: int, *, cached: bool, dense: bool = True) -> int:
    """Query-key products per head and layer to generate so many tokens, from an empty prompt.

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
