"""Memory of the imitated GPU: torch's own CUDA tensors, made through DLPack over storages of the host, and counted."""

from __future__ import annotations

import atexit
import ctypes
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

GPU, HOST = torch.device("cuda", 0), torch.device("cpu")
ON_HOST = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
BLOCK = 512  # bytes to which the allocator of CUDA rounds
CODES = {torch.bfloat16: 4, torch.bool: 6}  # of DLPack, which numbers the kinds of numbers
BYTES = 1  # the code of unsigned integers


class Device(ctypes.Structure):
    """DLPack's DLDevice."""

    _fields_ = (("type", ctypes.c_int32), ("index", ctypes.c_int32))


class Kind(ctypes.Structure):
    """DLPack's DLDataType."""

    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class Array(ctypes.Structure):
    """DLPack's DLTensor."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", Device),
        ("ndim", ctypes.c_int32),
        ("dtype", Kind),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    """DLPack's DLManagedTensor."""


Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(Managed))
Managed._fields_ = (("array", Array), ("context", ctypes.c_void_p), ("deleter", Deleter))
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


@dataclass
class Memory:
    """What lies on the imitated GPU, and the allocator's counters.

    Fields: `held`, by the address of its description, all that a tensor of the GPU rests on; `storages` of the host, by
    the address of their data; `counts`, as torch.cuda.memory_stats names them.
    """

    held: dict[int, tuple[Managed, Any, int]] = field(default_factory=dict)
    storages: dict[int, torch.UntypedStorage] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def adopt(self, storage: torch.UntypedStorage, dtype: torch.dtype, shape: Any, strides: Any) -> Tensor:
        """A CUDA tensor over a storage of the host, which is let go at the end of the last tensor over it."""
        address, size, axes = storage.data_ptr(), storage.nbytes(), len(shape)
        room = (ctypes.c_int64 * (2 * axes or 1))(*shape, *strides)
        places = ctypes.addressof(room)
        code = CODES.get(dtype, 2 if dtype.is_floating_point else 0 if dtype.is_signed else BYTES)
        managed = Managed()
        managed.array = Array(
            address or None, Device(2, 0), axes, Kind(code, 8 * dtype.itemsize, 1), places, places + 8 * axes, 0
        )
        managed.deleter = _freed
        self.held[ctypes.addressof(managed)] = (managed, room, size)
        if size:
            self.storages[address] = storage
        self._count(size)
        return torch._C._from_dlpack(_capsule(ctypes.addressof(managed), b"dltensor", None))

    def free(self, address: int) -> None:
        managed, _, size = self.held.pop(address)
        self.storages.pop(managed.array.data, None)
        self._count(-size)

    def _count(self, size: int) -> None:
        rounded = -(-abs(size) // BLOCK) * BLOCK * (1 if size > 0 else -1)
        for name, change in (("requested_bytes", size), ("allocated_bytes", rounded)):
            now = self.counts[f"{name}.all.current"] = self.counts[f"{name}.all.current"] + change
            if now > self.counts[f"{name}.all.peak"]:
                self.counts[f"{name}.all.peak"] = now

    def reset_peaks(self) -> None:
        for name in ("requested_bytes", "allocated_bytes"):
            self.counts[f"{name}.all.peak"] = self.counts[f"{name}.all.current"]

    def let_go(self) -> None:
        """Before the interpreter ends, after which nothing of Python may be called."""
        for managed, _, _ in self.held.values():
            managed.deleter = Deleter(0)


MEMORY = Memory()


@Deleter
def _freed(managed: Any) -> None:
    MEMORY.free(ctypes.addressof(managed.contents))


atexit.register(MEMORY.let_go)


def on_gpu(result: Tensor) -> Tensor:
    """A fresh tensor of the host as one of the GPU, over the same memory."""
    storage = result.untyped_storage()
    if result.storage_offset() or storage.data_ptr() in MEMORY.storages:
        result = result.clone()
        storage = result.untyped_storage()
    dtype = result.dtype
    if dtype.is_complex or (dtype.itemsize == 1 and dtype.is_floating_point):  # DLPack has no such code, or not yet
        flat = MEMORY.adopt(storage, torch.uint8, (storage.nbytes(),), (1,))
        shape, strides = list(result.shape), list(result.stride())
        whole = torch.ops.aten.view.dtype(flat, dtype)
        return torch.ops.aten.as_strided.default.redispatch(ON_HOST, whole, shape, strides, 0)
    return MEMORY.adopt(storage, dtype, result.shape, result.stride())


def on_host(tensor: Tensor) -> Tensor:
    """The same memory as a tensor of the host."""
    empty = torch.empty(0, dtype=tensor.dtype, device=HOST)
    storage = MEMORY.storages.get(tensor.untyped_storage().data_ptr())
    if storage is None:
        return empty.reshape(tensor.shape)
    result = empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())
    return result.conj() if tensor.is_conj() else result
