"""Bytes of activations kept for the backward pass, in 16-bit training."""

from __future__ import annotations

from repro.sizing.models.architecture import Architecture, Attention, Experts, FeedForward, Layer
from repro.sizing.models.parts import Maps, Mixer

HALF, SINGLE, MASK = 2, 4, 1  # bytes of a 16-bit number, of a 32-bit one, of a dropout mask's entry
RECOMPUTE = ("none", "selective", "full")


def check_recompute(recompute: str) -> None:
    """Refuse a word that names no kind of recomputation.

    Raises:
        ValueError: it is none.
    """
    if recompute not in RECOMPUTE:
        raise ValueError(f"recompute is {recompute!r}; expected one of {', '.join(RECOMPUTE)}")


def activation_bytes(
    model: Architecture,
    tokens: int,
    *,
    batch: int = 1,
    recompute: str = "selective",
    dropout: bool = False,
    logits: bool = True,
) -> float:
    """Activations of one training step of a decoder, whatever its heads, gates and experts.

    What fused kernels keep; code that casts norms to 32 bits or rotates in several steps keeps more.

    Args:
        model: decoder, encoder or both; both stacks then read as many tokens.
        tokens: in each sequence.
        batch: sequences.
        recompute: "none" keeps attention's scores; "selective" recomputes them in the backward pass, as flash
            attention does; "full" keeps the input of each layer, and all of one layer while that is recomputed.
        dropout: whether masks and dropped values are kept.
        logits: whether the head's 32-bit log-probabilities are counted.

    Raises:
        ValueError: an unknown kind of recomputation.

    Source: Korthikanti et al. 2022 (arXiv:2205.05198), section 4.1, term by term; with GPT's shape and dropout it is
    their formula. Gated blocks keep four hidden rows and plain ones two.
    """
    check_recompute(recompute)
    by_layer = [_layer_bytes(layer, tokens, scores=recompute == "none", dropout=dropout) for layer in model.all_layers]
    per_token = sum(by_layer)
    if recompute == "full":
        per_token = len(by_layer) * HALF * model.width + max(by_layer)
    if logits and model.head:
        per_token += 2 * HALF * model.width + SINGLE * model.vocabulary  # input of the last norm and of the head
    return float(tokens * batch * per_token)


def _layer_bytes(layer: Layer, tokens: int, *, scores: bool, dropout: bool) -> int:
    """Bytes per token of one layer."""
    width, parts = layer.attention.width, layer.attentions
    masks = (1 + len(parts)) * MASK * width if dropout else 0
    outside = layer.norms * HALF * width + masks + _feed_forward_bytes(layer.feed_forward)
    return outside + sum(_attention_bytes(part, tokens, scores=scores, dropout=dropout) for part in parts)


def _attention_bytes(attention: Attention | Mixer, tokens: int, *, scores: bool, dropout: bool) -> int:
    """Input, query, key, value, output; flash attention keeps a sum per head, others the weights of each pair."""
    rows = attention.heads * (attention.key_width + attention.value_width)
    rows += attention.kv_heads * (attention.key_width + attention.value_width)
    if attention.latent:
        rows += attention.latent.query_rank + attention.latent.kv_rank
    bytes_ = HALF * (attention.width + rows)
    if scores:
        seen = min(tokens, attention.window or tokens)
        return bytes_ + attention.heads * seen * (HALF + (MASK + HALF if dropout else 0))
    return bytes_ + SINGLE * attention.heads


def _feed_forward_bytes(block: FeedForward | Experts | Maps) -> int:
    if isinstance(block, FeedForward) or (isinstance(block, Maps) and not block.experts):
        return HALF * (block.width + (4 if block.gated else 2) * block.hidden)
    rows = (1 + block.active) * block.width + 4 * block.used_hidden  # each expert has a copy of its tokens
    return HALF * rows + SINGLE * block.experts
