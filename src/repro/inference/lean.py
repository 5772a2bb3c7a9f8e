"""A decoder stripped to what decoding needs: its own buffers, few and large matrix products, packed weights on a CPU.

B sequences, M tokens of a pass, S places held, H heads, K key-value heads, D width of a head, W width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.models.decoder import Decoder
from repro.models.positions import rotate
from repro.models.transformer import Transformer

Product = Callable[[Tensor], Tensor]
EPSILON = 1e-5  # of the norms, as our decoder and Llama have it


class Lean:
    """A reader with the logits of a `Transformer` shaped as Llama, up to rounding.

    Queries, keys and values come from one product, gate and up from another. Every sequence stands at a place of its
    own; a place is overwritten when a token there is read again.
    """

    def __init__(
        self, model: Transformer, *, batch: int = 1, capacity: int | None = None, packed: bool = True,
        layers: int | None = None,
    ) -> None:  # fmt: skip
        """Take over the weights.

        Args:
            capacity: tokens of a sequence, at most the model's context, which is the default.
            packed: keep the weights as oneDNN wants them, where it can: fp32 on a CPU.
            layers: only so many from the bottom, then the norm and the output matrix; None: all.

        Raises:
            ValueError: the decoder is not shaped as Llama, or the capacity is beyond its context.
        """
        refuse_unlike_llama(model.shape)
        self.shape, self.batch = model.shape, batch
        self.capacity = model.shape.context if capacity is None else capacity
        if self.capacity > model.shape.context:
            raise ValueError(f"{self.capacity} tokens are beyond the context of {model.shape.context}; ask for fewer")
        weight = model.embedding.weight.detach()
        self.embedding, self.packed = weight, packed and able_to_pack(weight)
        self.cosines, self.sines = model.cosines.to(weight.dtype), model.sines.to(weight.dtype)
        self.layers = [_Layer(block, self._product) for block in [*model.blocks][:layers]]
        self.norm = model.state_dict()["norm.weight"]
        self.output = self._product(model.output.weight.detach())
        size = (len(self.layers), batch, model.shape.key_value_heads, self.capacity, model.shape.head_width)
        self.keys, self.values = (torch.zeros(size, dtype=weight.dtype, device=weight.device) for _ in range(2))
        self._places = torch.arange(self.capacity, device=weight.device)

    def _product(self, weight_OI: Tensor) -> Product:
        return packed_product(weight_OI) if self.packed else lambda x: F.linear(x, weight_OI)

    @torch.inference_mode()
    def read(self, tokens_BM: Tensor, starts_B: Tensor) -> Tensor:
        """Logits (B, M, V) after each token; those of sequence b stand at its start and on.

        Raises:
            ValueError: another batch, or more tokens than the capacity.
        """
        batch, time = tokens_BM.shape
        end = int(starts_B.max()) + time
        if batch != self.batch or end > self.capacity:
            raise ValueError(f"{batch} sequences of {end} tokens; this reader holds {self.batch} of {self.capacity}")
        places_BM = starts_B[:, None] + self._places[:time]
        even = batch == 1 or bool((starts_B == starts_B[0]).all())
        rows = slice(end - time, end) if even else places_BM
        rotation = tuple(table[rows] if even else table[rows][:, None] for table in (self.cosines, self.sines))
        seen_B1MS = None if time == 1 and even else (self._places[:end] <= places_BM[..., None])[:, None]
        stream_BMW = F.embedding(tokens_BM, self.embedding)
        for number, layer in enumerate(self.layers):
            held = self.keys[number], self.values[number]
            stream_BMW = self._block(layer, stream_BMW, held, rotation, rows, end, seen_B1MS)
        return self.output(F.rms_norm(stream_BMW, self.norm.shape, self.norm, EPSILON))

    def _block(
        self, layer: _Layer, stream_BMW: Tensor, held: tuple[Tensor, Tensor], rotation: tuple[Tensor, ...],
        rows: slice | Tensor, end: int, seen: Tensor | None,
    ) -> Tensor:  # fmt: skip
        shape = self.shape
        normed = F.rms_norm(stream_BMW, layer.attention_norm.shape, layer.attention_norm, EPSILON)
        heads = layer.attention(normed).unflatten(-1, (-1, shape.head_width)).transpose(1, 2)
        query, key, value = heads.split([shape.heads, shape.key_value_heads, shape.key_value_heads], dim=1)
        query, key = (rotate(part, *rotation) for part in (query, key))
        for buffer_BKSD, new_BKMD in zip(held, (key, value), strict=True):
            if isinstance(rows, slice):
                buffer_BKSD[:, :, rows] = new_BKMD
            else:
                buffer_BKSD.scatter_(2, rows[:, None, :, None].expand_as(new_BKMD), new_BKMD)
        mixed_BHMD = F.scaled_dot_product_attention(
            query, held[0][:, :, :end], held[1][:, :, :end], attn_mask=seen,
            enable_gqa=shape.heads != shape.key_value_heads,
        )  # fmt: skip
        stream_BMW = stream_BMW + layer.attention_output(mixed_BHMD.transpose(1, 2).flatten(2))
        normed = F.rms_norm(stream_BMW, layer.feed_forward_norm.shape, layer.feed_forward_norm, EPSILON)
        gate_BMF, up_BMF = layer.gate_and_up(normed).chunk(2, dim=-1)
        return stream_BMW + layer.down(F.silu(gate_BMF) * up_BMF)


class _Layer:
    """The products of one block, those that share an input as one."""

    def __init__(self, block: torch.nn.Module, product: Callable[[Tensor], Product]) -> None:
        weights = {name: weight.detach() for name, weight in block.named_parameters()}
        self.attention_norm, self.feed_forward_norm = (weights[f"{part}_norm.weight"] for part in PARTS)
        self.attention = product(torch.cat([weights[f"attention.{part}.weight"] for part in ("query", "key", "value")]))
        self.attention_output = product(weights["attention.output.weight"])
        self.gate_and_up = product(torch.cat([weights[f"feed_forward.{part}.weight"] for part in ("gate", "up")]))
        self.down = product(weights["feed_forward.down.weight"])


PARTS = ("attention", "feed_forward")


def refuse_unlike_llama(shape: Decoder) -> None:
    """Raise ValueError for a decoder with a part that a Llama has otherwise."""
    llama = Decoder(shape.vocabulary, shape.width, shape.layers, shape.heads)
    for name in ("norm", "norm_place", "positions", "activation", "gated"):
        if getattr(shape, name) != getattr(llama, name):
            raise ValueError(f"{name} is {getattr(shape, name)!r}; a lean decoder has {getattr(llama, name)!r}")


def able_to_pack(weight: Tensor) -> bool:
    """Whether weights of this kind can be kept in oneDNN's own layout; its operators are private to torch."""
    known = hasattr(torch.ops.mkldnn, "_reorder_linear_weight") and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return known and torch.backends.mkldnn.is_available() and weight.dtype is torch.float32 and not weight.is_cuda


def packed_product(weight_OI: Tensor) -> Product:
    """`F.linear` with the weight laid out once and for all, instead of at every product of several rows."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI.contiguous())

    def product(x: Tensor) -> Tensor:
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
        return found

    return product
