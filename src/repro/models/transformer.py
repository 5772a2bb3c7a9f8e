"""The decoder itself.

B batch, T time, S time of keys, V vocabulary, W width, H heads, K key-value heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.models.cache import KeyValueCache
from repro.models.decoder import Decoder
from repro.models.positions import linear_bias, rotary_angles, rotate, sinusoids

ACTIVATION: dict[str, Callable[[Tensor], Tensor]] = {"silu": F.silu, "gelu": F.gelu, "relu": F.relu}
# (queries (B, H, T, D), keys (B, K, S, D), values (B, K, S, D), mask, causal) -> what each query reads (B, H, T, D)
Mix = Callable[[Tensor, Tensor, Tensor, Tensor | None, bool], Tensor]


class Transformer(nn.Module):
    """A decoder-only language model of a given shape.

    Matrices start from a normal distribution of variance 1 / inputs, those that write into the residual stream
    divided by sqrt(2 layers) (Radford et al. 2019); no part has a bias.
    """

    cosines: Tensor
    sines: Tensor
    sinusoids: Tensor

    def __init__(self, shape: Decoder) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        if shape.positions == "learned":
            self.position_embedding = nn.Embedding(shape.context, shape.width)
        if shape.positions == "sinusoidal":
            self.register_buffer("sinusoids", sinusoids(shape.context, shape.width), persistent=False)
        if shape.positions == "rope":
            cosines, sines = rotary_angles(shape.context, shape.head_width, shape.rope_base)
            self.register_buffer("cosines", cosines, persistent=False)
            self.register_buffer("sines", sines, persistent=False)
        self.blocks = nn.ModuleList([Block(shape, layer) for layer in range(shape.layers)])
        self.norm = _norm(shape) if shape.norm_place == "pre" else nn.Identity()
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self._start()
        if shape.tied:
            self.output.weight = self.embedding.weight

    def _start(self) -> None:
        for name, matrix in self.named_parameters():
            if matrix.ndim == 2:
                nn.init.normal_(matrix, std=matrix.shape[1] ** -0.5)
            if name.endswith(("attention.output.weight", "feed_forward.down.weight")):
                with torch.no_grad():
                    matrix.div_((2 * self.shape.layers) ** 0.5)

    def forward(self, tokens_BT: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each one.

        Args:
            tokens_BT: token numbers; with a cache, only those that it does not hold yet.
            cache: read and extended.

        Raises:
            ValueError: the sequence is longer than the context.
        """
        return self.output(self.hidden(tokens_BT, cache))

    def hidden(self, tokens_BT: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """The residual stream (B, T, W) after the last norm, from which the logits are read."""
        start = cache.length if cache is not None else 0
        end = start + tokens_BT.shape[1]
        if end > self.shape.context:
            raise ValueError(f"{end} tokens are more than the context of {self.shape.context}")
        stream_BTW = self.embedding(tokens_BT)
        rotation = None
        if self.shape.positions == "rope":
            places = slice(start, end) if cache is None else cache.places(end - start)
            rotation = self.cosines[places], self.sines[places]
        elif self.shape.positions == "learned":
            stream_BTW = stream_BTW + self.position_embedding.weight[start:end]
        elif self.shape.positions == "sinusoidal":
            stream_BTW = stream_BTW + self.sinusoids[start:end]
        for block in self.blocks:
            stream_BTW = block(stream_BTW, rotation, cache)
        if cache is not None:
            cache.advance(end - start)
        return self.norm(stream_BTW)


def _for_products(x: Tensor) -> Tensor:
    """A tensor in the precision that autocast gives products, cast once for all of them; without autocast, as it is."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def _norm(shape: Decoder) -> nn.Module:
    if shape.norm == "rms":
        return nn.RMSNorm(shape.width, eps=1e-5)
    return nn.LayerNorm(shape.width, eps=1e-5)


class Block(nn.Module):
    """Attention, then the feed-forward part, each added to the residual stream."""

    def __init__(self, shape: Decoder, layer: int) -> None:
        super().__init__()
        self.pre = shape.norm_place == "pre"
        self.attention_norm, self.feed_forward_norm = _norm(shape), _norm(shape)
        self.attention = Attention(shape, layer)
        self.feed_forward = FeedForward(shape)

    def forward(
        self, stream_BTW: Tensor, rotation: tuple[Tensor, Tensor] | None, cache: KeyValueCache | None
    ) -> Tensor:
        """The stream after this block (B, T, W)."""
        if self.pre:
            stream_BTW = stream_BTW + self.attention(_for_products(self.attention_norm(stream_BTW)), rotation, cache)
            return stream_BTW + self.feed_forward(_for_products(self.feed_forward_norm(stream_BTW)))
        stream_BTW = self.attention_norm(stream_BTW + self.attention(stream_BTW, rotation, cache))
        return self.feed_forward_norm(stream_BTW + self.feed_forward(stream_BTW))


def fused(
    query_BHTD: Tensor, key_BKSD: Tensor, value_BKSD: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """The values (B, H, T, D) that each query reads, by PyTorch's own kernel; H / K queries share a key-value head."""
    shared = key_BKSD.shape[1] != query_BHTD.shape[1]
    return F.scaled_dot_product_attention(
        query_BHTD, key_BKSD, value_BKSD, attn_mask=mask, is_causal=causal, enable_gqa=shared
    )


class Attention(nn.Module):
    """Causal attention in which groups of query heads share a key-value head (Ainslie et al. 2023).

    Fields: `mix` the kernel that reads values by queries and keys.
    """

    def __init__(self, shape: Decoder, layer: int) -> None:
        super().__init__()
        self.shape, self.layer = shape, layer
        self.mix: Mix = fused
        kv_width = shape.key_value_heads * shape.head_width
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, kv_width, bias=False)
        self.value = nn.Linear(shape.width, kv_width, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x_BTW: Tensor, rotation: tuple[Tensor, Tensor] | None, cache: KeyValueCache | None) -> Tensor:
        """The sum that this layer adds to the stream (B, T, W)."""
        query_BHTD, key_BKTD, value_BKTD = (self._split(part(x_BTW)) for part in (self.query, self.key, self.value))
        if rotation is not None:
            query_BHTD, key_BKTD = rotate(query_BHTD, *rotation), rotate(key_BKTD, *rotation)
        if cache is not None:
            key_BKTD, value_BKTD = cache.extend(self.layer, key_BKTD, value_BKTD)
        mask, causal = self._mask(query_BHTD.shape[2], key_BKTD.shape[2], x_BTW.device)
        if cache is not None and cache.mask is not None:
            mask, causal = cache.mask, False
        mixed_BHTD = self.mix(query_BHTD, key_BKTD, value_BKTD, mask, causal)
        return self.output(mixed_BHTD.transpose(1, 2).flatten(2))

    def _split(self, x_BTW: Tensor) -> Tensor:
        return x_BTW.unflatten(-1, (-1, self.shape.head_width)).transpose(1, 2)

    def _mask(self, time: int, held: int, device: torch.device) -> tuple[Tensor | None, bool]:
        """A mask over the tokens that attention may see, and whether the kernel is to be causal.

        A query sees all tokens up to its own position, the last queries being the last tokens held.
        """
        if self.shape.positions != "alibi":
            if time == held:
                return None, True
            if time == 1:
                return None, False
        queries = torch.arange(held - time, held, device=device)
        keys = torch.arange(held, device=device)
        if self.shape.positions == "alibi":
            return linear_bias(queries, keys, self.shape.heads), False
        return queries[:, None] >= keys[None, :], False


class FeedForward(nn.Module):
    """The part that works on each token alone, gated or not."""

    def __init__(self, shape: Decoder) -> None:
        super().__init__()
        self.activation = ACTIVATION[shape.activation]
        self.up = nn.Linear(shape.width, shape.feed_forward_width, bias=False)
        self.gate = nn.Linear(shape.width, shape.feed_forward_width, bias=False) if shape.gated else None
        self.down = nn.Linear(shape.feed_forward_width, shape.width, bias=False)

    def forward(self, x_BTW: Tensor) -> Tensor:
        """The sum that this part adds to the stream (B, T, W)."""
        if self.gate is None:
            return self.down(self.activation(self.up(x_BTW)))
        return self.down(self.activation(self.gate(x_BTW)) * self.up(x_BTW))
