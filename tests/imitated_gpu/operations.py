"""What is known of each operation of torch before it runs on the imitated GPU."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torchgen
from torch import Tensor
from torch._decomp import global_decomposition_table
from torch.utils.flop_counter import flop_registry

from imitated_gpu.memory import HOST

aten = torch.ops.aten
KEYS = torch._C.DispatchKey
OWN = KEYS.CPU, KEYS.CompositeExplicitAutograd, KEYS.CompositeImplicitAutograd

# Kernels that only describe memory anew; torch's own for the CPU do so for any device.
DESCRIPTIONS = {
    "view",
    "as_strided",
    "unfold",
    "_reshape_alias",
    "view_as_real",
    "view_as_complex",
    "set_",
    "is_set_to",
}
# No work on the GPU, though memory may be made.
FREE = {"empty", "empty_strided", "new_empty", "empty_like"}
# The host must know a result, or its size, before it can go on.
WAITING = {"nonzero", "masked_select", "equal", "_unique", "_unique2", "unique_dim", "unique_consecutive", "bincount"}
WAITING |= {"_local_scalar_dense", "_linalg_check_errors"}
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"}
PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "addmv", "dot", "addbmm"}


def _efficient(q: Tensor, k: Tensor, v: Tensor, bias: Any, _: bool, *rest: Any, scale: Any = None) -> tuple[Any, ...]:
    """Attention by the CPU's fused kernel, with the results of the GPU's."""
    output, logs = aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, *rest, attn_mask=bias, scale=scale)
    return output, logs, *(torch.zeros((), dtype=torch.int64, device=HOST) for _ in range(2))


def _efficient_backward(grad: Tensor, q: Tensor, k: Tensor, v: Tensor, bias: Any, *rest: Any, scale: Any = None) -> Any:
    output, logs, _, _, dropout, _, causal = (*rest, False)[:7]
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward
    return *backward(grad, q, k, v, output, logs, dropout, causal, attn_mask=bias, scale=scale), None


def _flash(q: Tensor, k: Tensor, v: Tensor, *rest: Any, scale: Any = None) -> tuple[Any, ...]:
    wide = [part.repeat_interleave(q.shape[1] // k.shape[1], 1) for part in (k, v)]
    output, logs, seed, other = _efficient(q, *wide, None, True, *rest[:2], scale=scale)
    return output, logs, None, None, q.shape[2], k.shape[2], seed, other, torch.empty(0, device=HOST)


def _flash_backward(grad: Tensor, q: Tensor, k: Tensor, v: Tensor, *rest: Any, scale: Any = None) -> Any:
    output, logs, _, _, _, _, dropout, causal, *_ = rest
    groups = q.shape[1] // k.shape[1]
    wide = [part.repeat_interleave(groups, 1) for part in (k, v)]
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward
    of_query, *others = backward(grad, q, *wide, output, logs, dropout, causal, scale=scale)
    return of_query, *(part.unflatten(1, (-1, groups)).sum(2) for part in others)


ATTENTION = {
    "_scaled_dot_product_efficient_attention": _efficient,
    "_scaled_dot_product_efficient_attention_backward": _efficient_backward,
    "_scaled_dot_product_flash_attention": _flash,
    "_scaled_dot_product_flash_attention_backward": _flash_backward,
}  # what has no kernel for the CPU


@cache
def kernels_of_cuda() -> dict[str, bool]:
    """Operations with a CUDA kernel of their own, from torch's list; and whether a number may lie on the host.

    It may where the kernel iterates over its arguments itself: then torch does not check devices first.
    """
    listed = Path(torchgen.__file__).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
    entries = re.split(r"\n- func: ", listed.read_text(encoding="utf-8"))[1:]
    own = re.compile(r"^    [\w, ]*\bCUDA\b[\w, ]*:|structured_delegate: ", re.MULTILINE)
    lenient = re.compile(r"device_check: NoCheck|structured_inherits: TensorIteratorBase")
    return {entry[: entry.index("(")]: bool(lenient.search(entry)) for entry in entries if own.search(entry)}


class Operation:
    """One operation: how its arguments are checked, what does it on the host, and which of its results are new."""

    def __init__(self, op: Any) -> None:
        schema = op._schema
        self.op, self.name = op, str(schema.name).removeprefix("aten::")
        full = f"{self.name}.{schema.overload_name}" if schema.overload_name else self.name
        strict = self.name.startswith(("_fused", "_foreach"))  # they read lists of tensors without a look
        self.numbers_anywhere = kernels_of_cuda().get(full, True) and not strict
        self.describes, self.free = self.name in DESCRIPTIONS, self.name in FREE
        self.waits, self.indexed, self.multiplies = (self.name in group for group in (WAITING, INDEXED, PRODUCTS))
        marks = [(each.name, each.alias_info) for each in schema.arguments]
        self.written = [(place, name) for place, (name, mark) in enumerate(marks) if mark and mark.is_write]
        self.old = [mark is not None and mark.is_write for mark in (each.alias_info for each in schema.returns)]
        self.formula = flop_registry.get(op.overloadpacket)
        self.draws = torch.Tag.nondeterministic_seeded in op.tags and self.name not in ATTENTION
        self.takes_generator = any(each.name == "generator" for each in schema.arguments)
        self.tensors = [place for place, each in enumerate(schema.arguments) if str(each.type) == "Tensor"]
        self.instead = self._instead()

    def _instead(self) -> Callable[..., Any] | None:
        if self.name in ATTENTION:
            return ATTENTION[self.name]
        if any(self.op.has_kernel_for_dispatch_key(key) for key in OWN):
            return None
        return global_decomposition_table["post_autograd"].get(self.op)

    def on_host(self, args: Any) -> Callable[..., Any]:
        """What does it on the host: itself, its parts, or its fellow for numbers (`x % 15` comes as two tensors)."""
        if self.instead is not None:
            return self.instead
        number = any(isinstance(args[place], bool | int | float) for place in self.tensors if place < len(args))
        return self.op.overloadpacket if number else self.op
