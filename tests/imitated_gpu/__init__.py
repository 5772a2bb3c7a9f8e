"""An imitated GPU: tensors that say cuda:0, keep their numbers on the CPU, and refuse what a GPU would refuse.

    with imitated_gpu() as gpu:                  # in a test, the fixture `gpu` of tests/conftest.py
        model = Model().to("cuda")               # every spelling of the device works
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
that run at once, more than one GPU, NCCL, compilation (torch.compile gives the function as it is). It needs g++, and
works with a torch built with CUDA or without.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # it asks torch.cuda for what no CPU build has, unless it is loaded before
from torch import Tensor
from torch.overrides import TorchFunctionMode

from imitated_gpu.graphs import NOW, CUDAGraph, Event, Graph, ImitatedGPU, Stream
from imitated_gpu.kernels import CHANCE, Generator, cloned, install
from imitated_gpu.memory import MEMORY

__all__ = ["NAME", "ImitatedGPU", "imitated_gpu"]

NAME = "imitated GPU"
NATIVE = Path(__file__).with_name("native.cpp")
PLAIN_GENERATOR = torch.Generator


class _OwnGenerators(TorchFunctionMode):
    """Holds generators of the GPU to tensors of the GPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if isinstance(kwargs.get("generator"), Generator) and isinstance(result, Tensor) and not result.is_cuda:
            raise RuntimeError("Expected a 'cpu' device type for generator but found 'cuda'")
        return result


class _OfAnyDevice(type):
    """Makes torch.Generator give the imitated GPU's own, where it is asked for one of cuda."""

    def __call__(cls, device: Any = "cpu") -> Any:
        return Generator() if torch.device(device).type == "cuda" else PLAIN_GENERATOR(device)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, PLAIN_GENERATOR)


class _AnyGenerator(metaclass=_OfAnyDevice):
    pass


@cache
def _native() -> Any:
    """The compiled native.cpp, from the machine's temporary folder where it was compiled before."""
    folder = Path(torch.__file__).parent
    text = f"{torch.__version__} {folder} {NATIVE.read_text(encoding='utf-8')}"
    built = Path(tempfile.gettempdir(), f"imitated-gpu-{hashlib.sha256(text.encode()).hexdigest()[:16]}.so")
    if not built.exists():
        fresh = built.with_suffix(f".{os.getpid()}")
        options = ["-std=c++20", "-O0", "-shared", "-fPIC", f"-I{folder}/include", str(NATIVE), "-o", str(fresh)]
        libraries = [f"-L{folder}/lib", "-lc10", "-ltorch_cpu", f"-Wl,-rpath,{folder}/lib"]
        subprocess.run(["g++", *options, *libraries], check=True)
        fresh.replace(built)
    return ctypes.CDLL(str(built))


def can_be_imitated() -> bool:
    """Whether this machine has what the imitation is compiled with."""
    return shutil.which("g++") is not None


def _properties(device: Any = None) -> SimpleNamespace:
    memory = {"total_memory": 80 * 2**30, "L2_cache_size": 50 * 2**20, "shared_memory_per_block_optin": 232448}
    threads = {"max_threads_per_multi_processor": 2048, "max_threads_per_block": 1024, "warp_size": 32}
    kind = {"name": NAME, "major": 9, "minor": 0, "gcnArchName": "", "is_integrated": False}
    return SimpleNamespace(**kind, **memory, **threads, multi_processor_count=132, regs_per_multiprocessor=65536)


@contextmanager
def _unchanged(*args: Any, **kwargs: Any) -> Iterator[None]:
    yield


def _patches() -> dict[str, Any]:
    """What of torch.cuda is replaced."""

    def counted(name: str) -> Any:
        return lambda device=None: MEMORY.counts[name]

    def seeded(seed: int) -> None:
        CHANCE.manual_seed(seed)

    def set_state(state: Any, device: Any = None) -> None:
        CHANCE.set_state(state[0] if isinstance(state, list) else state)

    nothing, yes = (lambda *args, **kwargs: None), (lambda *args, **kwargs: True)
    state = {
        "is_available": yes,
        "is_initialized": yes,
        "is_bf16_supported": yes,
        "init": nothing,
        "_lazy_init": nothing,
    }
    devices = {
        "current_device": lambda: 0,
        "_get_device_index": lambda *args, **kwargs: 0,
        "device_count": lambda: 1,
        "set_device": nothing,
        "device": _unchanged,
        "get_device_name": lambda device=None: NAME,
        "get_device_capability": lambda device=None: (9, 0),
        "get_device_properties": _properties,
    }
    streams = {
        "synchronize": lambda device=None: NOW.wait(),
        "Stream": Stream,
        "Event": Event,
        "stream": _unchanged,
        "current_stream": lambda device=None: Stream(),
        "default_stream": lambda device=None: Stream(),
        "set_stream": nothing,
        "CUDAGraph": CUDAGraph,
        "graph": Graph,
        "is_current_stream_capturing": lambda: NOW.capturing is not None,
        "graph_pool_handle": lambda: (0, 0),
    }
    memory = {
        "mem_get_info": lambda device=None: (79 * 2**30, 80 * 2**30),
        "memory_stats": lambda device=None: dict(MEMORY.counts),
        "memory_allocated": counted("allocated_bytes.all.current"),
        "memory_reserved": counted("allocated_bytes.all.current"),
        "max_memory_allocated": counted("allocated_bytes.all.peak"),
        "reset_peak_memory_stats": lambda device=None: MEMORY.reset_peaks(),
        "empty_cache": nothing,
    }
    chance = {
        "manual_seed": seeded,
        "manual_seed_all": seeded,
        "get_rng_state": lambda device=None: CHANCE.get_state(),
        "get_rng_state_all": lambda: [CHANCE.get_state()],
        "set_rng_state": set_state,
        "set_rng_state_all": set_state,
    }
    return {**state, **devices, **streams, **memory, **chance}


@contextmanager
def imitated_gpu() -> Iterator[ImitatedGPU]:
    """A process with an imitated GPU for as long as the block lasts; one at a time."""
    install()
    NOW.reset()
    with ExitStack() as stack:
        for name, value in _patches().items():
            stack.enter_context(mock.patch.object(torch.cuda, name, value, create=True))
        stack.enter_context(mock.patch.object(torch, "Generator", _AnyGenerator))
        clone = partial(cloned, torch.UntypedStorage.clone)
        stack.enter_context(mock.patch.object(torch.UntypedStorage, "clone", lambda storage: clone(storage)))
        stack.enter_context(mock.patch.object(torch.backends.cuda, "is_built", lambda: True))
        stack.enter_context(mock.patch.object(torch, "compile", lambda function, **kwargs: function))
        _native().imitate(1)
        stack.callback(_native().imitate, 0)
        stack.enter_context(_OwnGenerators())
        try:
            yield NOW
        finally:
            NOW.capturing = None
