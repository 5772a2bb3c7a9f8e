"""Whether grouped-query attention contains multi-head and multi-query attention, read off the logits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.floor.measurement import Numbers, measurement
from repro.models.decoder import Decoder

if TYPE_CHECKING:  # spelling a trial needs no torch
    from repro.models.transformer import Mix, Transformer


@dataclass(frozen=True)
class Grouping:
    """A decoder whose query heads are grouped in every way that divides them.

    Fields: `kernel` the grouped kernel under test; `batch` random sequences as long as the context.
    """

    shape: Decoder
    kernel: str = "matmul"
    batch: int = 2


@measurement(version=1)
def grouping(config: Grouping, seed: int) -> Numbers:
    """Largest difference of a logit in float64: to multi-head attention, to multi-query attention, to repeated heads.

    `to_multi_head` with as many groups as heads, `to_multi_query` with one, each against a loop that knows no groups;
    `between` the largest over all `groups`, against a multi-head model whose key and value projections are the grouped
    ones, each repeated for the query heads of its group. The seed draws weights and tokens.
    """
    import torch

    from repro.inference.kernels import KERNELS, use_kernel
    from repro.inference.naive_attention import multi_head, multi_query

    heads = config.shape.heads
    groups = [number for number in range(1, heads + 1) if heads % number == 0]
    tokens_BT = torch.randint(config.shape.vocabulary, (config.batch, config.shape.context),
                              generator=torch.Generator().manual_seed(seed))  # fmt: skip

    def logits(model: Transformer, mix: Mix) -> torch.Tensor:
        use_kernel(model, mix)
        with torch.inference_mode():
            logits_BTV: torch.Tensor = model(tokens_BT)
        return logits_BTV

    def difference(number: int, whole: bool, mix: Mix) -> float:
        model = drawn_model(replace(config.shape, kv_heads=number), seed)
        ours = logits(model, KERNELS[config.kernel])
        return float((ours - logits(with_repeated_heads(model) if whole else model, mix)).abs().max())

    return {
        "groups": groups,
        "to_multi_head": difference(heads, False, multi_head),
        "to_multi_query": difference(1, False, multi_query),
        "between": max(difference(number, True, multi_head) for number in groups),
    }


def drawn_model(shape: Decoder, seed: int) -> Transformer:
    """A decoder in float64 with drawn weights."""
    import torch

    from repro.models.transformer import Transformer

    torch.manual_seed(seed)
    return Transformer(shape).double().eval()


def with_repeated_heads(model: Transformer) -> Transformer:
    """The multi-head model that computes the same: each key and value projection repeated for its group."""
    from repro.models.transformer import Transformer

    shape = model.shape
    state = model.state_dict()
    for name, matrix in state.items():
        if name.endswith(("attention.key.weight", "attention.value.weight")):
            by_head = matrix.unflatten(0, (shape.key_value_heads, shape.head_width))
            state[name] = by_head.repeat_interleave(shape.heads // shape.key_value_heads, dim=0).flatten(0, 1)
    whole = Transformer(replace(shape, kv_heads=shape.heads)).double().eval()
    whole.load_state_dict(state)
    return whole
