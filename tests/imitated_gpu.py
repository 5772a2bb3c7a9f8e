"""An imitated GPU: tensors that say cuda:0, keep their numbers on the CPU, and refuse what a GPU would refuse.

    with imitated_gpu() as gpu:                  # in a test, the fixture `gpu` of tests/conftest.py
        model = Model().to("cuda")               # every device spelling works: "cuda", torch.device, .cuda(), contexts
        model(tokens)                            # RuntimeError where tokens are on the CPU
        print(gpu.launches, gpu.graph_replays, gpu.launches_in_graphs, gpu.flops, gpu.top())
        gpu.reset()                              # counts anew: for one trial, or one step

Its tensors are torch's own CUDA tensors, over memory of the host: made through DLPack, with every kernel of the
dispatch key CUDA replaced by one that runs the same operation on the CPU. So autograd, autocast, vmap, views and
dispatch modes are torch's and not imitated, and float32 numbers are those of a CPU to the last digit. Refused: tensors
of two devices in one operation (a number without axes may stay on the CPU where torch allows it), a host's optimiser
steps in a fused step, another device's generator, products of integers, a time between events before the work is done,
and inside a capture all that waits for the GPU or copies from or to the host. A capture leaves memory as it was, and a
replay does the recorded operations again on the same memory.

Not imitated: speed, the memory of kernels' own workspaces, rounding of real kernels, which shapes they take, streams
that run at once, more than one GPU, compilation, NCCL.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest import mock
from weakref import WeakValueDictionary

import torch
import torchgen
from torch import Tensor
from torch._decomp import global_decomposition_table
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
GPU, HOST = torch.device("cuda", 0), torch.device("cpu")
BLOCK = 512  # bytes to which the allocator of CUDA rounds
NAME = "imitated GPU"

# Kernels that only describe memory anew; torch's own for the CPU do so for any device.
DESCRIPTIONS = {"view", "as_strided", "unfold", "_reshape_alias", "view_as_real", "view_as_complex", "set_", "alias"}
DESCRIPTIONS |= {"is_set_to", "_unsafe_view", "detach", "t", "transpose_", "squeeze_", "unsqueeze_"}
# No work on the GPU, though memory may be made.
FREE = {"empty", "empty_strided", "resize_", "record_stream", "_local_scalar_dense", "new_empty", "empty_like"}
# The host must know a result, or its size, before it can go on.
WAITING = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "equal",
    "is_nonzero",
    "unique_dim",
    "_unique2",
    "_unique",
}
WAITING |= {
    "unique_consecutive",
    "bincount",
    "histc",
    "linalg_cholesky_ex_check",
    "_linalg_check_errors",
    "nonzero_static",
}
WAITING -= {"nonzero_static"}
COMPOSITE = torch._C.DispatchKey.CompositeExplicitAutograd, torch._C.DispatchKey.CompositeImplicitAutograd
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"}
PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "addmv", "dot", "addbmm"}


# --- memory -----------------------------------------------------------------------------------------------------------


class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("index", ctypes.c_int32))


class _DType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Array(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _DType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    """DLPack's DLManagedTensor."""


_Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Managed))
_Managed._fields_ = (("array", _Array), ("context", ctypes.c_void_p), ("deleter", _Deleter))
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


@dataclass
class Memory:
    """What lies on the imitated GPU: host storages by address, and the allocator's counters."""

    held: dict[int, tuple[_Managed, Any, int]] = field(default_factory=dict)  # by the address of the description
    storages: dict[int, Any] = field(default_factory=dict)  # by the address of the data
    counts: Counter[str] = field(default_factory=Counter)

    def adopt(self, storage: torch.UntypedStorage) -> Tensor:
        """The bytes of a storage of the host as a flat CUDA tensor, which frees them at its end."""
        size = storage.nbytes()
        managed, shape = _Managed(), (ctypes.c_int64 * 1)(size)
        managed.array = _Array(storage.data_ptr() or None, _Device(2, 0), 1, _DType(1, 8, 1), shape, None, 0)
        managed.deleter = _freed
        self.held[ctypes.addressof(managed)] = (managed, shape, size)
        if size:
            self.storages[storage.data_ptr()] = storage
        self._count(size)
        return torch._C._from_dlpack(_capsule(ctypes.addressof(managed), b"dltensor", None))

    def free(self, address: int) -> None:
        managed, _, size = self.held.pop(address)
        self.storages.pop(managed.array.data, None)
        self._count(-size)

    def _count(self, size: int) -> None:
        rounded = (abs(size) + BLOCK - 1) // BLOCK * BLOCK * (1 if size > 0 else -1)
        for name, change in (("requested_bytes", size), ("allocated_bytes", rounded)):
            self.counts[f"{name}.all.current"] += change
            peak = f"{name}.all.peak"
            self.counts[peak] = max(self.counts[peak], self.counts[f"{name}.all.current"])

    def reset_peaks(self) -> None:
        for name in ("requested_bytes", "allocated_bytes"):
            self.counts[f"{name}.all.peak"] = self.counts[f"{name}.all.current"]

    def let_go(self) -> None:
        """Before the interpreter ends, after which nothing of Python may be called."""
        for managed, _, _ in self.held.values():
            managed.deleter = _Deleter(0)


MEMORY = Memory()


@_Deleter
def _freed(managed: Any) -> None:
    MEMORY.free(ctypes.addressof(managed.contents))


atexit.register(MEMORY.let_go)
_ON_CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)


def on_gpu(result: Tensor) -> Tensor:
    """A fresh tensor of the host as one of the GPU, over the same memory."""
    storage = result.untyped_storage()
    if storage.data_ptr() in MEMORY.storages:
        result = result.clone()
        storage = result.untyped_storage()
    flat = MEMORY.adopt(storage)
    size = storage.nbytes() // result.element_size()
    typed = aten.view.dtype(flat[: size * result.element_size()], result.dtype)
    if result.dim() == 1 and result.is_contiguous() and not result.storage_offset() and result.numel() == size:
        return typed
    shape, strides = list(result.shape), list(result.stride())
    return aten.as_strided.default.redispatch(_ON_CPU, typed, shape, strides, result.storage_offset())


def on_host(tensor: Tensor) -> Tensor:
    """The same memory as a tensor of the host."""
    empty = torch.empty(0, dtype=tensor.dtype, device=HOST)
    storage = MEMORY.storages.get(tensor.untyped_storage().data_ptr())
    if storage is None:
        return empty.reshape(tensor.shape)
    result = empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())
    return result.conj() if tensor.is_conj() else result


# --- kernels ----------------------------------------------------------------------------------------------------------


@cache
def _facts() -> tuple[frozenset[str], frozenset[str]]:
    """Operations with a CUDA kernel of their own, and those whose kernel checks devices itself, number by number."""
    text = Path(torchgen.__file__).parent.joinpath("packaged/ATen/native/native_functions.yaml").read_text()
    own, lenient = set(), set()
    for entry in re.split(r"\n- func: ", text)[1:]:
        name = entry[: entry.index("(")]
        if re.search(r"^    [\w, ]*\bCUDA\b[\w, ]*:", entry, re.MULTILINE):
            own.add(name)
        if "device_check: NoCheck" in entry or "structured_inherits: TensorIteratorBase" in entry:
            lenient.add(name)
        delegate = re.search(r"structured_delegate: (\S+)", entry)
        if delegate:
            own.add(name)
    return frozenset(own), frozenset(lenient)


def _name(op: Any) -> str:
    return str(op._schema.name).removeprefix("aten::")


def _full_name(op: Any) -> str:
    return _name(op) + (f".{op._schema.overload_name}" if op._schema.overload_name else "")


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(_mapped(each, change) for each in value)
    return value


class Kernels:
    """Runs each operation of the GPU on the host, after the checks that CUDA makes."""

    def __init__(self, gpu: ImitatedGPU) -> None:
        self.gpu = gpu

    def __call__(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction(), torch._C._AutoDispatchBelowAutograd():
            name = _name(op)
            if name in DESCRIPTIONS:
                return op.redispatch(_ON_CPU, *args, **kwargs)
            special = getattr(self, f"_{name.strip('_')}", None)
            return special(op, *args, **kwargs) if special else self._run(op, name, args, kwargs)

    def _run(self, op: Any, name: str, args: Any, kwargs: Any) -> Any:
        self._check(op, name, args, kwargs)
        kwargs = {key: self._argument(key, value) for key, value in kwargs.items()}
        outputs = [self._value(op, place, args, kwargs) for place in _written(op)]
        if self.gpu.capturing is not None:
            self.gpu.capturing.save(list(_tensors(outputs)))
        hosts: dict[int, Tensor] = {}  # one for each tensor, so that a resized output can be told
        host = partial(self._host, hosts)
        work = _Work(op, _mapped(args, host), {key: _mapped(value, host) for key, value in kwargs.items()})
        results = work()
        for output in _tensors(outputs):
            if output.shape != hosts[id(output)].shape:
                self._resized(output, hosts[id(output)])
        returned = self._returned(op, results, outputs)
        self._count(op, name, work, results, args, kwargs)
        return returned

    def _resized(self, output: Tensor, host: Tensor) -> None:
        """Give an output the memory and shape that the operation gave it."""
        if output.numel():
            raise NotImplementedError(f"an output of shape {tuple(output.shape)} is resized to {tuple(host.shape)}")
        fresh = on_gpu(host)
        source = fresh.untyped_storage(), fresh.storage_offset(), fresh.shape, fresh.stride()
        aten.set_.source_Storage_storage_offset.redispatch(_ON_CPU, output, *source)

    def _returned(self, op: Any, results: Any, outputs: list[Any]) -> Any:
        """The results as tensors of the GPU; those that were written are the arguments themselves."""
        aliases = [ret.alias_info is not None and ret.alias_info.is_write for ret in op._schema.returns]
        if len(aliases) == 1:
            return outputs[0] if aliases[0] else _mapped(results, on_gpu)
        if not aliases:
            return None
        written = iter(outputs)
        pairs = zip(aliases, results, strict=True)
        return tuple(next(written) if alias else _mapped(result, on_gpu) for alias, result in pairs)

    def _count(self, op: Any, name: str, work: _Work, results: Any, args: Any, kwargs: Any) -> None:
        formula = flop_registry.get(op.overloadpacket)
        work.flops = int(formula(*args, **kwargs, out_val=results)) if formula else 0
        work.results = list(_tensors(results))
        if name in FREE:
            return
        if self.gpu.capturing is not None:
            self.gpu.capturing.works.append(work)
        else:
            self.gpu.launch(name, work.flops)

    def _value(self, op: Any, place: int, args: Any, kwargs: Any) -> Any:
        return args[place] if place < len(args) else kwargs.get(op._schema.arguments[place].name)

    def _argument(self, key: str, value: Any) -> Any:
        if key == "device" and value is not None and torch.device(value).type == "cuda":
            return HOST
        return False if key == "pin_memory" else value

    def _host(self, hosts: dict[int, Tensor], tensor: Tensor) -> Tensor:
        if tensor.is_cuda:
            return hosts.setdefault(id(tensor), on_host(tensor))
        return tensor.clone() if self.gpu.capturing is not None else tensor

    def _check(self, op: Any, name: str, args: Any, kwargs: Any) -> None:
        if self.gpu.capturing is not None:
            self.gpu.capturing.refuse(name, args)
        generator = kwargs.get("generator")
        if generator is not None and generator._cdata not in Generator.own:
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        numbers = _full_name(op) in _facts()[1] and not name.startswith(("_fused", "_foreach"))
        for place, value in enumerate([*args, *kwargs.values()]):
            if name in INDEXED and place == 1:
                continue
            for tensor in _tensors(value):
                if not tensor.is_cuda and not (numbers and tensor.dim() == 0):
                    raise RuntimeError(
                        f"Expected all tensors to be on the same device, but found at least two devices, cuda:0 and "
                        f"cpu! ({op}, argument {place} of shape {tuple(tensor.shape)})"
                    )
        if name in PRODUCTS and not next(_tensors(args)).is_floating_point() and not next(_tensors(args)).is_complex():
            raise RuntimeError(f'"{name}_cuda" not implemented for {next(_tensors(args)).dtype}')

    # Kernels that are not the CPU's own on the same memory.

    def _copy(self, op: Any, target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
        crosses = target.is_cuda != source.is_cuda
        if self.gpu.capturing is not None:
            if crosses:
                raise RuntimeError(
                    "CUDA error: operation not permitted when stream is capturing (a copy to or from the host)"
                )
            self.gpu.capturing.save([target])
        sides = [on_host(t) if t.is_cuda else t for t in (target, source)]
        work = _Work(aten.copy_.default, tuple(sides), {})
        work.results = [work()]
        if target.numel() and self.gpu.capturing is not None:
            self.gpu.capturing.works.append(work)
        elif target.numel():
            way = " from the host" if target.is_cuda else " to the host"
            self.gpu.launch("copy_" + way * crosses)
        if crosses and not target.is_cuda and not non_blocking:
            self.gpu.wait()
        return target

    def _resize(self, op: Any, tensor: Tensor, size: Any, *, memory_format: Any = None) -> Tensor:
        wanted = torch.empty(size, dtype=tensor.dtype, device=HOST)
        if tensor.untyped_storage().nbytes() >= wanted.nbytes + tensor.storage_offset() * tensor.element_size():
            fresh, offset = tensor, tensor.storage_offset()
        else:
            fresh, offset = on_gpu(wanted), 0
        storage = fresh.untyped_storage()
        return aten.set_.source_Storage_storage_offset.redispatch(
            _ON_CPU, tensor, storage, offset, list(wanted.shape), list(wanted.stride())
        )

    def _local_scalar_dense(self, op: Any, tensor: Tensor) -> Any:
        self._check(op, "_local_scalar_dense", [tensor], {})
        self.gpu.launch("copy_ to the host")
        self.gpu.wait()
        return on_host(tensor).item()

    def _record_stream(self, op: Any, *args: Any) -> None:
        """Memory is never given to another stream here."""


def _efficient(q: Tensor, k: Tensor, v: Tensor, bias: Any, _: bool, *rest: Any, scale: Any = None) -> tuple[Any, ...]:
    """Attention by the CPU's fused kernel, with the results of the GPU's."""
    output, logs = aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, *rest, attn_mask=bias, scale=scale)
    return output, logs, *(torch.zeros((), dtype=torch.int64, device=HOST) for _ in range(2))


def _efficient_backward(
    grad: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Any,
    output: Tensor,
    logs: Tensor,
    *rest: Any,
    scale: Any = None,
) -> tuple[Any, ...]:
    dropout, causal = rest[2], (*rest, False)[4]
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward
    return *backward(grad, q, k, v, output, logs, dropout, causal, attn_mask=bias, scale=scale), None


def _flash(q: Tensor, k: Tensor, v: Tensor, *rest: Any, scale: Any = None) -> tuple[Any, ...]:
    wide = [part.repeat_interleave(q.shape[1] // k.shape[1], 1) for part in (k, v)]
    output, logs, seed, other = _efficient(q, *wide, None, True, *rest[:2], scale=scale)
    return output, logs, None, None, q.shape[2], k.shape[2], seed, other, torch.empty(0, device=HOST)


def _flash_backward(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, output: Tensor, logs: Tensor, *rest: Any, scale: Any = None
) -> tuple[Any, ...]:
    groups = q.shape[1] // k.shape[1]
    wide = [part.repeat_interleave(groups, 1) for part in (k, v)]
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward
    of_query, *others = backward(grad, q, *wide, output, logs, rest[4], rest[5], scale=scale)
    return of_query, *(part.unflatten(1, (-1, groups)).sum(2) for part in others)


ATTENTION = {
    "_scaled_dot_product_efficient_attention": _efficient,
    "_scaled_dot_product_efficient_attention_backward": _efficient_backward,
    "_scaled_dot_product_flash_attention": _flash,
    "_scaled_dot_product_flash_attention_backward": _flash_backward,
}  # what has no kernel for the CPU


@cache
def _instead(op: Any) -> Callable[..., Any] | None:
    """What does an operation that the CPU has no kernel for: its parts."""
    if _name(op) in ATTENTION:
        return ATTENTION[_name(op)]
    if any(op.has_kernel_for_dispatch_key(key) for key in (torch._C.DispatchKey.CPU, *COMPOSITE)):
        return None
    return global_decomposition_table["post_autograd"][op]


@cache
def _written(op: Any) -> tuple[int, ...]:
    """Places of the arguments that an operation writes."""
    marks = [argument.alias_info for argument in op._schema.arguments]
    return tuple(place for place, mark in enumerate(marks) if mark is not None and mark.is_write)


@dataclass
class _Work:
    """An operation with its arguments on the host, to be done once or again."""

    op: Any
    args: Any
    kwargs: Any
    flops: int = 0
    results: list[Tensor] = field(default_factory=list)

    def __call__(self) -> Any:
        kwargs = self.kwargs
        if (instead := _instead(self.op)) is not None:
            return instead(*self.args, **kwargs)
        random = torch.Tag.nondeterministic_seeded in self.op.tags
        if not random:
            return self.op(*self.args, **kwargs)
        if any(argument.name == "generator" for argument in self.op._schema.arguments):
            return self.op(*self.args, **{**kwargs, "generator": kwargs.get("generator") or _default()})
        before = torch._C.default_generator.get_state()  # the host's own chance is not to be used up
        torch._C.default_generator.set_state(_default().get_state())
        try:
            return self.op(*self.args, **kwargs)
        finally:
            _default().set_state(torch._C.default_generator.get_state())
            torch._C.default_generator.set_state(before)


class Generator(torch._C.Generator):
    """A generator of the imitated GPU: the host's, under another device."""

    device = GPU
    own: ClassVar[WeakValueDictionary[int, Generator]] = WeakValueDictionary()  # by address: torch wraps them anew

    def __init__(self, *args: Any) -> None:
        Generator.own[self._cdata] = self


@cache
def _default() -> Generator:
    return Generator()


# --- graphs, streams, events ------------------------------------------------------------------------------------------


class CaptureError(RuntimeError):
    """What a capture refuses."""

    def __init__(self, why: str) -> None:
        super().__init__(f"CUDA error: operation not permitted when stream is capturing ({why})")


class Recording:
    """The work of a block that is captured; memory that the block writes is as it was, once it ends."""

    def __init__(self, generators: set[int]) -> None:
        self.works: list[_Work] = []
        self._before: dict[int, tuple[Tensor, Tensor]] = {}
        self._old = set(MEMORY.storages)
        self._generators = generators

    def refuse(self, name: str, args: Any) -> None:
        masks = name in INDEXED and any(t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1]))
        hosts = name in INDEXED and any(not t.is_cuda for t in _tensors(args[1]))
        if name in WAITING or masks or hosts:
            raise RuntimeError(
                f"CUDA error: operation not permitted when stream is capturing ({name} waits for the GPU)"
            )

    def save(self, tensors: list[Tensor]) -> None:
        for tensor in tensors:
            address = tensor.untyped_storage().data_ptr()
            if address in self._old and address not in self._before:
                storage = MEMORY.storages[address]
                whole = torch.empty(0, dtype=torch.uint8, device=HOST).set_(storage, 0, (storage.nbytes(),), (1,))
                self._before[address] = whole, whole.clone()

    def end(self) -> None:
        for whole, copy in self._before.values():
            whole.copy_(copy)
        for work in self.works:
            for result in work.results:  # what a capture gives holds nothing before the first replay
                if result.is_floating_point() and not self._is_old(result):
                    result.fill_(float("nan"))

    def _is_old(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self._old

    def again(self) -> None:
        with torch._C.DisableTorchFunction(), torch.no_grad():
            for work in self.works:
                fresh = list(_tensors(work()))
                for old, new in zip(work.results, fresh, strict=True):
                    if old.data_ptr() != new.data_ptr():
                        old.copy_(new)


class CUDAGraph:
    """Imitates torch.cuda.CUDAGraph."""

    def __init__(self, keep_graph: bool = False) -> None:
        self._recording: Recording | None = None
        self._generators: set[int] = set()

    def capture_begin(self, *args: Any, **kwargs: Any) -> None:
        if GPU_NOW.capturing is not None:
            raise RuntimeError("CUDA error: a capture is already under way")
        GPU_NOW.capturing = self._recording = Recording(self._generators)

    def capture_end(self) -> None:
        GPU_NOW.capturing = None
        assert self._recording is not None
        self._recording.end()

    def replay(self) -> None:
        if self._recording is None or GPU_NOW.capturing is not None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture, or within one")
        self._recording.again()
        GPU_NOW.replayed(self._recording)

    def register_generator_state(self, generator: Any) -> None:
        self._generators.add(id(generator))

    def reset(self) -> None:
        self._recording = None

    def pool(self) -> tuple[int, int]:
        return (0, 0)


class Graph:
    """Imitates the context torch.cuda.graph."""

    def __init__(self, cuda_graph: CUDAGraph, pool: Any = None, stream: Any = None, **kwargs: Any) -> None:
        self._graph = cuda_graph

    def __enter__(self) -> None:
        self._graph.capture_begin()

    def __exit__(self, kind: Any, *error: Any) -> None:
        self._graph.capture_end()
        if kind is not None:
            self._graph.reset()


class Stream:
    """Imitates torch.cuda.Stream: all work is done at once, in order."""

    device, device_index, stream_id, cuda_stream, priority = GPU, 0, 0, 0, 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def synchronize(self) -> None:
        GPU_NOW.wait()

    def wait_stream(self, stream: Any) -> None:
        pass

    def wait_event(self, event: Any) -> None:
        pass

    def record_event(self, event: Any = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def query(self) -> bool:
        return True


class Event:
    """Imitates torch.cuda.Event: its time can be read once the GPU has been waited for."""

    def __init__(self, enable_timing: bool = False, **kwargs: Any) -> None:
        self._timed, self._at, self._waits = enable_timing, None, -1

    def record(self, stream: Any = None) -> None:
        self._at, self._waits = time.perf_counter(), GPU_NOW.waits

    def synchronize(self) -> None:
        GPU_NOW.wait()

    def query(self) -> bool:
        return GPU_NOW.waits > self._waits

    def wait(self, stream: Any = None) -> None:
        pass

    def elapsed_time(self, end: Event) -> float:
        if not self._timed or not end._timed or self._at is None or end._at is None:
            raise ValueError("Both events must be created with argument 'enable_timing=True', and recorded")
        if not self.query() or not end.query():
            raise RuntimeError("CUDA error: device not ready (events are read before the work is waited for)")
        return 1e3 * (end._at - self._at)


# --- the GPU ----------------------------------------------------------------------------------------------------------


class ImitatedGPU:
    """What ran on the imitated GPU.

    Fields: `launches` of single operations and of whole graphs; `launches_in_graphs`; `graph_replays`; `flops` of products of
    matrices; `by_name`, launches of each operation, also in graphs; `waits` of the host.
    """

    def __init__(self) -> None:
        self.capturing: Recording | None = None
        self.waits = 0
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.launches = self.launches_in_graphs = self.graph_replays = self.flops = 0
        self.by_name: Counter[str] = Counter()

    def launch(self, name: str, flops: int = 0) -> None:
        self.launches += 1
        self.flops += flops
        self.by_name[name] += 1

    def replayed(self, recording: Recording) -> None:
        self.launches += 1
        self.graph_replays += 1
        self.launches_in_graphs += len(recording.works)
        self.flops += sum(work.flops for work in recording.works)
        self.by_name.update(_name(work.op) for work in recording.works)

    def wait(self) -> None:
        if self.capturing is not None:
            raise CaptureError("the host waits")
        self.waits += 1

    def top(self, number: int = 12) -> list[tuple[str, int]]:
        """The operations launched most often."""
        return self.by_name.most_common(number)

    def stats(self) -> dict[str, int]:
        return dict(MEMORY.counts)


GPU_NOW = ImitatedGPU()


class _OwnGenerators(TorchFunctionMode):
    """Holds generators to tensors of their own device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") == "pin_memory":
            return args[0]
        result = func(*args, **kwargs)
        if isinstance(kwargs.get("generator"), Generator) and isinstance(result, Tensor) and not result.is_cuda:
            raise RuntimeError("Expected a 'cpu' device type for generator but found 'cuda'")
        return result


_LIBRARIES: list[Any] = []


def _install() -> None:
    """Put the kernels in place, once a process; without tensors that say cuda they are never reached."""
    if _LIBRARIES:
        return
    _LIBRARIES.append(_shim())
    kernels = Kernels(GPU_NOW)
    warnings.filterwarnings("ignore", "Warning only once for all operators")
    every, one = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(kernels, "CUDA")
    built = {name.removeprefix("aten::") for name in torch._C._dispatch_get_registrations_for_dispatch_key("CUDA")}
    for name in sorted(_facts()[0] | built | {"copy_"}):
        packet, _, overload = name.partition(".")
        op = getattr(getattr(aten, packet, None), overload or "default", None)
        if op is not None and "::" not in name:
            one.impl(name, _bound(kernels, op), "CUDA", allow_override=True)
    _LIBRARIES.extend((every, one))


SOURCE = r"""
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/Context.h>
#include <ATen/native/transformers/attention.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <cstring>

using namespace c10;

struct Guard final : impl::NoOpDeviceGuardImpl<DeviceType::CUDA> {
  Device getDevice() const override { return Device(DeviceType::CUDA, 0); }
  Device exchangeDevice(Device) const override { return getDevice(); }
  Stream getStream(Device) const noexcept override { return Stream(Stream::DEFAULT, getDevice()); }
  Stream getDefaultStream(Device) const override { return getStream(getDevice()); }
  Stream exchangeStream(Stream) const noexcept override { return getStream(getDevice()); }
};

struct Hooks final : at::CUDAHooksInterface {
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return false; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  int getNumGPUs() const override { return 1; }
};

static Guard guard;
static const impl::DeviceGuardImplInterface* guard_before = nullptr;
static void* hooks_before = nullptr;

// Torch's own choice, without the properties of a card: flash (1) for halves, memory-efficient (2) else, math (0).
static int64_t choice(
    const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const std::optional<at::Tensor>& mask,
    double dropout, bool causal, std::optional<double>, bool grouped) {
  auto& context = at::globalContext();
  auto type = query.scalar_type();
  bool half = type == at::kHalf || type == at::kBFloat16;
  if (query.dim() == 4 && dropout == 0 && query.size(3) == value.size(3) && (half || type == at::kFloat)) {
    bool alike = query.size(1) == key.size(1), square = query.size(2) == key.size(2);
    bool flash = half && !mask.has_value() && (alike || grouped) && (square || !causal) && query.size(3) <= 256;
    if (flash && context.userEnabledFlashSDP()) return 1;
    if (alike && context.userEnabledMemEfficientSDP()) return 2;
  }
  TORCH_CHECK(context.userEnabledMathSDP(), "No available kernel. Aborting execution.");
  return 0;
}

// Both interfaces have no fields, so an object becomes another one by its first word alone.
extern "C" void imitate(int on) {
  auto& slot = impl::device_guard_impl_registry[static_cast<int>(DeviceType::CUDA)];
  auto* hooks = const_cast<at::CUDAHooksInterface*>(&at::detail::getCUDAHooks());
  static Hooks ours;
  at::native::_fused_sdp_choice_stub.set_cuda_dispatch_ptr(&choice);
  if (on) {
    guard_before = slot.load();
    slot.store(&guard);
    std::memcpy(&hooks_before, hooks, sizeof(void*));
    std::memcpy(static_cast<void*>(hooks), static_cast<void*>(&ours), sizeof(void*));
  } else {
    slot.store(guard_before);
    std::memcpy(static_cast<void*>(hooks), &hooks_before, sizeof(void*));
  }
}
"""


def _shim() -> Any:
    """The compiled SOURCE, from the machine's temporary folder where it was compiled before."""
    torch_folder = Path(torch.__file__).parent
    name = hashlib.sha256(f"{torch.__version__} {torch_folder} {SOURCE}".encode()).hexdigest()[:16]
    built = Path(tempfile.gettempdir(), f"imitated-gpu-{name}.so")
    if not built.exists():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "shim.cpp").write_text(SOURCE, encoding="utf-8")
            links = [f"-L{torch_folder}/lib", "-lc10", "-ltorch_cpu", f"-Wl,-rpath,{torch_folder}/lib"]
            options = [
                "-std=c++20",
                "-O0",
                "-shared",
                "-fPIC",
                f"-I{torch_folder}/include",
                "shim.cpp",
                "-o",
                "shim.so",
            ]
            subprocess.run(["g++", *options, *links], cwd=folder, check=True)
            shutil.move(Path(folder, "shim.so"), built.with_suffix(f".{os.getpid()}"))
        built.with_suffix(f".{os.getpid()}").replace(built)
    return ctypes.CDLL(str(built))


def _bound(kernels: Kernels, op: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: kernels(op, *args, **kwargs)


class _GeneratorOfAnyDevice(type(torch.Generator)):  # type: ignore[misc]
    def __call__(cls, device: Any = "cpu") -> Any:
        return Generator() if torch.device(device).type == "cuda" else _PLAIN_GENERATOR(device)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _PLAIN_GENERATOR)


_PLAIN_GENERATOR = torch.Generator


class _AnyGenerator(metaclass=_GeneratorOfAnyDevice):
    pass


def _properties(device: Any = None) -> SimpleNamespace:
    return SimpleNamespace(
        name=NAME, major=9, minor=0, total_memory=80 * 2**30, multi_processor_count=132, warp_size=32,
        max_threads_per_multi_processor=2048, regs_per_multiprocessor=65536, gcnArchName="", is_integrated=False,
        L2_cache_size=50 * 2**20, shared_memory_per_block_optin=232448, max_threads_per_block=1024,
    )  # fmt: skip


@contextmanager
def _nothing(*args: Any, **kwargs: Any) -> Iterator[None]:
    yield


def _patches() -> dict[str, Any]:
    """What of torch.cuda is replaced."""
    gpu = GPU_NOW
    return {
        "_lazy_init": lambda: None,
        "init": lambda: None,
        "is_initialized": lambda: True,
        "is_available": lambda: True,
        "is_bf16_supported": lambda *args, **kwargs: True,
        "current_device": lambda: 0,
        "_get_device_index": lambda *args, **kwargs: 0,
        "device_count": lambda: 1,
        "set_device": lambda device: None,
        "device": _nothing,
        "get_device_name": lambda device=None: NAME,
        "get_device_capability": lambda device=None: (9, 0),
        "get_device_properties": _properties,
        "mem_get_info": lambda device=None: (79 * 2**30, 80 * 2**30),
        "synchronize": lambda device=None: gpu.wait(),
        "Stream": Stream,
        "Event": Event,
        "stream": _nothing,
        "current_stream": lambda device=None: Stream(),
        "default_stream": lambda device=None: Stream(),
        "set_stream": lambda stream: None,
        "CUDAGraph": CUDAGraph,
        "graph": Graph,
        "is_current_stream_capturing": lambda: gpu.capturing is not None,
        "graph_pool_handle": lambda: (0, 0),
        "memory_stats": lambda device=None: gpu.stats(),
        "memory_allocated": lambda device=None: MEMORY.counts["allocated_bytes.all.current"],
        "max_memory_allocated": lambda device=None: MEMORY.counts["allocated_bytes.all.peak"],
        "memory_reserved": lambda device=None: MEMORY.counts["allocated_bytes.all.current"],
        "reset_peak_memory_stats": lambda device=None: MEMORY.reset_peaks(),
        "empty_cache": lambda: None,
        "manual_seed": lambda seed: _default().manual_seed(seed) and None,
        "manual_seed_all": lambda seed: _default().manual_seed(seed) and None,
        "get_rng_state": lambda device=None: _default().get_state(),
        "set_rng_state": lambda state, device=None: _default().set_state(state) and None,
        "get_rng_state_all": lambda: [_default().get_state()],
        "set_rng_state_all": lambda states: _default().set_state(states[0]) and None,
    }


@contextmanager
def imitated_gpu() -> Iterator[ImitatedGPU]:
    """A process with an imitated GPU for as long as the block lasts; one at a time."""
    _install()
    GPU_NOW.reset()
    with ExitStack() as stack:
        for name, value in _patches().items():
            stack.enter_context(mock.patch.object(torch.cuda, name, value, create=True))
        stack.enter_context(mock.patch.object(torch, "Generator", _AnyGenerator))
        stack.enter_context(mock.patch.object(torch.backends.cuda, "is_built", lambda: True))
        _LIBRARIES[0].imitate(1)
        stack.callback(_LIBRARIES[0].imitate, 0)
        stack.enter_context(_OwnGenerators())
        try:
            yield GPU_NOW
        finally:
            GPU_NOW.capturing = None
