"""A decoder stripped to what decoding needs: its own buffers, few and large matrix products, packed weights on a CPU.

B sequences, M tokens of a pass, S places held, H heads, K key-value heads, D width of a head, W width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

Product = Callable[[Tensor], Tensor]
Rotation = tuple[Tensor, Tensor]
EPSILON = 1e-5  # of the norms, as our decoder and Llama have it
PACKED, COLUMNS, ROWS = "packed", "columns", "rows"
LAYOUTS = (PACKED, COLUMNS, ROWS)


class Lean:
    """A reader that gives the logits of a Llama-shaped `Transformer`, up to rounding, in single precision at least.

    Queries, keys and values come from one product, gate and up from another. Every sequence stands at a place of its
    own; a place is overwritten when a token there is read again.
    """

    def __init__(
        self,
        model: Transformer,
        *,
        batch: int = 1,
        capacity: int | None = None,
        layout: str = PACKED,
        layers: int | None = None,
        static: bool = False,
    ) -> None:
        """Take over the weights.

        Args:
            capacity: tokens of a sequence, at most the model's context, which is the default.
            layout: of the weights, see `product_of`.
            layers: how many from the bottom come before the norm and the output matrix; None: all.
            static: attend to all places, with those not reached masked, and ask the device for no number: then passes
                over equally many tokens do the same work, as a CUDA graph needs. Tokens beyond the capacity are not
                refused.

        Raises:
            ValueError: the decoder is not shaped as Llama, the capacity is beyond its context, or no such layout.
        """
        refuse_unlike_llama(model.shape)
        self.shape, self.batch, self.static = model.shape, batch, static
        self.capacity = model.shape.context if capacity is None else capacity
        if self.capacity > model.shape.context:
            raise ValueError(f"{self.capacity} tokens are beyond the context of {model.shape.context}; ask for fewer")
        if layout not in LAYOUTS:
            raise ValueError(f"layout is {layout!r}; expected one of {', '.join(LAYOUTS)}")
        weight = model.embedding.weight.detach()
        self.embedding, self.layout = weight, ROWS if layout == PACKED and not able_to_pack(weight) else layout
        self.layers = [_Layer(block, self.layout) for block in [*model.blocks][:layers]]
        self.norm = norm_of(model.state_dict()["norm.weight"])
        self.output = product_of(model.output.weight.detach(), self.layout)
        size = (len(self.layers), batch, model.shape.key_value_heads, self.capacity, model.shape.head_width)
        self.keys, self.values = (torch.zeros(size, dtype=weight.dtype, device=weight.device) for _ in range(2))
        self._places = torch.arange(self.capacity, device=weight.device)
        self._cosines, sines = model.cosines.to(weight.dtype), model.sines.to(weight.dtype)
        first, second = sines.chunk(2, dim=-1)
        self._sines = torch.cat([-first, second], dim=-1)  # of the other half of a head, which `roll` brings

    @torch.inference_mode()
    def read(self, tokens_BM: Tensor, starts_B: Tensor) -> Tensor:
        """Logits (B, M, V) after each token; the tokens of a sequence stand at its start and on from there.

        Raises:
            ValueError: another batch, or more tokens than the capacity.
        """
        batch, time = tokens_BM.shape
        if self.static:
            return self._apart(tokens_BM, starts_B, self.capacity)
        starts = starts_B.tolist()
        end = max(starts) + time
        if batch != self.batch or end > self.capacity:
            raise ValueError(f"{batch} sequences of {end} tokens; this reader holds {self.batch} of {self.capacity}")
        if min(starts) + time < end:
            return self._apart(tokens_BM, starts_B, end)
        seen_MS = None if time == 1 else self._places[:end] <= self._places[end - time : end, None]
        rotation = self._cosines[end - time : end], self._sines[end - time : end]
        return self._pass(tokens_BM, rotation, None, end, seen_MS)

    def _apart(self, tokens_BM: Tensor, starts_B: Tensor, end: int) -> Tensor:
        """The same for sequences at different places, none beyond `end`."""
        places_BM = starts_B[:, None] + self._places[: tokens_BM.shape[1]]
        rotation = self._cosines[places_BM][:, None], self._sines[places_BM][:, None]
        seen_B1MS = (self._places[:end] <= places_BM[..., None])[:, None]
        if self.static:  # what attention would add, made once: from true and false each layer would make it anew
            seen_B1MS = torch.where(seen_B1MS, 0.0, -torch.inf).to(self.keys.dtype)
        return self._pass(tokens_BM, rotation, places_BM[:, None, :, None], end, seen_B1MS)

    def _pass(
        self, tokens_BM: Tensor, rotation: Rotation, places: Tensor | None, end: int, seen: Tensor | None
    ) -> Tensor:
        stream_BMW = F.embedding(tokens_BM, self.embedding)
        for layer, keys_BKSD, values_BKSD in zip(self.layers, self.keys, self.values, strict=True):
            stream_BMW = self._block(layer, stream_BMW, (keys_BKSD, values_BKSD), rotation, places, end, seen)
        logits_BMV = self.output(self.norm(stream_BMW))
        return logits_BMV.to(torch.promote_types(logits_BMV.dtype, torch.float32))

    def _block(
        self,
        layer: _Layer,
        stream_BMW: Tensor,
        cache: tuple[Tensor, Tensor],
        rotation: Rotation,
        places: Tensor | None,
        end: int,
        seen: Tensor | None,
    ) -> Tensor:
        """The stream after one block; what queries, keys and values have in common is done once, to save operations."""
        shape, (batch, time, _) = self.shape, stream_BMW.shape
        normed = layer.attention_norm(stream_BMW)
        parts_BNMD = layer.attention(normed).view(batch, time, -1, shape.head_width).transpose(1, 2)
        turned_BNMD = parts_BNMD[:, : shape.heads + shape.key_value_heads]
        cosines, sines = rotation
        turned_BNMD = torch.addcmul(turned_BNMD * cosines, turned_BNMD.roll(shape.head_width // 2, -1), sines)
        fresh = turned_BNMD[:, shape.heads :], parts_BNMD[:, shape.heads + shape.key_value_heads :]
        for buffer_BKSD, new_BKMD in zip(cache, fresh, strict=True):
            if places is None:
                buffer_BKSD.narrow(2, end - time, time).copy_(new_BKMD)
            else:
                buffer_BKSD.scatter_(2, places.expand_as(new_BKMD), new_BKMD)
        mixed_BHMD = F.scaled_dot_product_attention(
            turned_BNMD[:, : shape.heads],
            cache[0][:, :, :end],
            cache[1][:, :, :end],
            attn_mask=seen,
            enable_gqa=shape.heads != shape.key_value_heads,
        )
        stream_BMW = stream_BMW + layer.attention_output(mixed_BHMD.transpose(1, 2).flatten(2))
        normed = layer.feed_forward_norm(stream_BMW)
        gate_BMF, up_BMF = layer.gate_and_up(normed).chunk(2, dim=-1)
        return stream_BMW + layer.down(F.silu(gate_BMF) * up_BMF)


class _Layer:
    """The products of one block, those that share an input as one."""

    def __init__(self, block: torch.nn.Module, layout: str) -> None:
        weights = {name: weight.detach() for name, weight in block.named_parameters()}

        def product(*names: str) -> Product:
            parts = [weights[f"{name}.weight"] for name in names]
            return product_of(torch.cat(parts) if len(parts) > 1 else parts[0], layout)

        self.attention_norm, self.feed_forward_norm = (norm_of(weights[f"{part}_norm.weight"]) for part in PARTS)
        self.attention = product("attention.query", "attention.key", "attention.value")
        self.attention_output = product("attention.output")
        self.gate_and_up = product("feed_forward.gate", "feed_forward.up")
        self.down = product("feed_forward.down")


PARTS = ("attention", "feed_forward")


def refuse_unlike_llama(shape: Decoder) -> None:
    """Refuse a decoder with a part that differs from Llama's, by a ValueError."""
    llama = Decoder(vocabulary=shape.vocabulary, width=shape.width, layers=shape.layers, heads=shape.heads)
    for name in ("norm", "norm_place", "positions", "activation", "gated"):
        if getattr(shape, name) != getattr(llama, name):
            raise ValueError(f"{name} is {getattr(shape, name)!r}; a lean decoder has {getattr(llama, name)!r}")


def able_to_pack(weight: Tensor) -> bool:
    """Whether weights of this kind can be kept in oneDNN's own layout; its operators are private to torch."""
    known = hasattr(torch.ops.mkldnn, "_reorder_linear_weight") and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return known and torch.backends.mkldnn.is_available() and weight.dtype is torch.float32 and not weight.is_cuda


def product_of(weight_OI: Tensor, layout: str) -> Product:
    """`F.linear` by a weight laid out as asked: `ROWS` as it is, `PACKED` as oneDNN has it, `COLUMNS` column by column.

    A product with a single row reads the weight in stretches, one per row, or with `COLUMNS` one per column where the
    columns are longer: short stretches do not keep the memory busy.
    """
    if layout == PACKED:
        return packed_product(weight_OI)
    by_columns = layout == COLUMNS and weight_OI.shape[0] > weight_OI.shape[1]
    laid_OI = weight_OI.t().contiguous().t() if by_columns else weight_OI
    return lambda x: F.linear(x, laid_OI)


def norm_of(weight_W: Tensor) -> Product:
    """`F.rms_norm`, on a CPU with half as many operations as torch takes; on a GPU torch has one kernel."""
    width = len(weight_W)
    if weight_W.is_cuda:
        return lambda x: F.rms_norm(x, weight_W.shape, weight_W, EPSILON)
    scaled_W, least = weight_W * width**0.5, torch.tensor((EPSILON * width) ** 0.5, dtype=weight_W.dtype)
    return lambda x: x * scaled_W / torch.linalg.vector_norm(x, dim=-1, keepdim=True).hypot(least)


def packed_product(weight_OI: Tensor) -> Product:
    """`F.linear` by a weight that oneDNN lays out once, and not at every product of several rows."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI.contiguous())

    def product(x: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
        return result

    return product
