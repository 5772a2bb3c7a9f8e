"""The yardstick of the benchmark: the same decoder and loop, as plainly as PyTorch lets one write them.

In the style of nanoGPT (github.com/karpathy/nanoGPT, train.py): eager, fused attention, AdamW as it comes, batches
stacked from the text window by window. B batch, T time, W width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.models.decoder import Decoder


class RMSNorm(nn.Module):
    """Root mean square norm with a gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class PlainAttention(nn.Module):
    """Causal attention."""

    def __init__(self, shape: Decoder) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, shape.width, bias=False)
        self.value = nn.Linear(shape.width, shape.width, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        B, T, W = x.shape
        q = self.query(x).view(B, T, self.heads, W // self.heads).transpose(1, 2)
        k = self.key(x).view(B, T, self.heads, W // self.heads).transpose(1, 2)
        v = self.value(x).view(B, T, self.heads, W // self.heads).transpose(1, 2)
        q, k = turn(q, cosines, sines), turn(k, cosines, sines)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(y.transpose(1, 2).contiguous().view(B, T, W))


def turn(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn queries or keys by their rotary positions, in pairs (i, i + D/2)."""
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cosines - b * sines, b * cosines + a * sines], dim=-1)


class PlainFeedForward(nn.Module):
    """The gated part."""

    def __init__(self, shape: Decoder) -> None:
        super().__init__()
        self.up = nn.Linear(shape.width, shape.feed_forward_width, bias=False)
        self.gate = nn.Linear(shape.width, shape.feed_forward_width, bias=False)
        self.down = nn.Linear(shape.feed_forward_width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class PlainBlock(nn.Module):
    """Attention, then the gated part, each added to the stream."""

    def __init__(self, shape: Decoder) -> None:
        super().__init__()
        self.attention_norm, self.feed_forward_norm = RMSNorm(shape.width), RMSNorm(shape.width)
        self.attention, self.feed_forward = PlainAttention(shape), PlainFeedForward(shape)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x), cosines, sines)
        return x + self.feed_forward(self.feed_forward_norm(x))


class PlainModel(nn.Module):
    """A decoder at the defaults of `Decoder`, with the parameters' names of `Transformer`."""

    cosines: Tensor
    sines: Tensor

    def __init__(self, shape: Decoder) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList([PlainBlock(shape) for _ in range(shape.layers)])
        self.norm = RMSNorm(shape.width)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.output.weight = self.embedding.weight
        frequencies = shape.rope_base ** (-torch.arange(0, shape.head_width, 2) / shape.head_width)
        angles = torch.outer(torch.arange(shape.context), frequencies)
        self.register_buffer("cosines", angles.cos(), persistent=False)
        self.register_buffer("sines", angles.sin(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, T, V)."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cosines, self.sines)
        return self.output(self.norm(x))


class PlainLoop:
    """A model, its optimiser and its text."""

    def __init__(self, shape: Decoder, tokens: NDArray[np.integer], *, sequences: int, learning_rate: float) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = PlainModel(shape).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=learning_rate,
            betas=(0.9, 0.95),
            weight_decay=0.1,
            fused=self.device == "cuda",
        )
        self.tokens, self.sequences, self.time = tokens, sequences, shape.context

    def step(self) -> Tensor:
        """Take one step on random windows; returns the loss before it."""
        starts = torch.randint(len(self.tokens) - self.time - 1, (self.sequences,)).tolist()
        windows = torch.stack([torch.from_numpy(self.tokens[i : i + self.time + 1].astype(np.int64)) for i in starts])
        windows = windows.to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            logits = self.model(windows[:, :-1])
            loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), windows[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()
