"""Bytes in use: the storages behind tensors, and what torch's allocator hands out and takes back.

A tensor may be a view of a larger storage, which stays allocated as long as any view of it lives. So bytes are counted
on storages, each once, and never on shapes.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils._python_dispatch import TorchDispatchMode

MARK = "live bytes: "
WRITERS = {"cat": None, "copy_": 1, "index_copy_": 3}  # which argument is written; None: the result is


def tensors_in(holder: object, seen: set[int] | None = None) -> Iterator[Tensor]:
    """The tensors that an object reaches through attributes, lists, tuples and dicts, each once."""
    seen = set() if seen is None else seen
    if id(holder) in seen or isinstance(holder, type | str | int | float):
        return
    seen.add(id(holder))
    if isinstance(holder, Tensor):
        yield holder
    elif isinstance(holder, dict):
        for value in holder.values():
            yield from tensors_in(value, seen)
    elif isinstance(holder, list | tuple):
        for value in holder:
            yield from tensors_in(value, seen)
    elif hasattr(holder, "__dict__") and not callable(holder):
        yield from tensors_in(vars(holder), seen)


@dataclass(frozen=True)
class Stored:
    """Bytes behind an object's tensors.

    Fields: `seen` by its tensors (a view shows its own part); `held` by the storages behind them; `beside` by storages
    of a single number (counters, scales), which count in neither of the two.
    """

    seen: int
    held: int
    beside: int


def stored_bytes(holder: object) -> Stored:
    """The bytes that the tensors of an object keep allocated."""
    storages: dict[int, tuple[int, bool]] = {}
    seen = 0
    for tensor in tensors_in(holder):
        storage = tensor.untyped_storage()
        single = storage.nbytes() <= tensor.element_size()
        seen += 0 if single else tensor.nbytes
        if storage.nbytes():
            storages[storage.data_ptr()] = (storage.nbytes(), single)
    sizes = list(storages.values())
    return Stored(seen, sum(n for n, single in sizes if not single), sum(n for n, single in sizes if single))


@dataclass(frozen=True)
class Phase:
    """Bytes over those in use when the watch began: `alive` at the phase's end, `peak` the most during it.

    `allocated`: the peak as the CUDA allocator rounds it, to blocks of 512 bytes and more; None on a CPU.
    """

    alive: int
    peak: int
    allocated: int | None = None


class Watch:
    """Counts what is allocated and freed while it is open, in phases that `mark` ends.

    On a CPU from the allocator's own events (every allocation, those inside an operation too), on a GPU from its
    counters. What was allocated before it opened must not be freed while it is open.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.phases: dict[str, Phase] = {}
        self._cuda = torch.device(device).type == "cuda"
        self._base = self._base_blocks = 0
        self._profile: profile | None = None

    def __enter__(self) -> Self:
        gc.freeze()  # else the collector would free what was dropped before, and the watch count it as freed
        if self._cuda:
            _set_up_products()
            torch.cuda.synchronize()
            self._base, self._base_blocks = (
                _counted("requested_bytes", "current"),
                _counted("allocated_bytes", "current"),
            )
            torch.cuda.reset_peak_memory_stats()
        else:
            os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it writes two lines to stderr for each watch
            self._profile = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
            self._profile.__enter__()
        return self

    def mark(self, name: str) -> None:
        """End the phase that began at the last mark."""
        if self._cuda:
            torch.cuda.synchronize()
            alive, peak = (_counted("requested_bytes", when) - self._base for when in ("current", "peak"))
            self.phases[name] = Phase(alive, peak, _counted("allocated_bytes", "peak") - self._base_blocks)
            torch.cuda.reset_peak_memory_stats()
        else:
            with record_function(MARK + name):
                pass

    def __exit__(self, *error: Any) -> None:
        gc.unfreeze()
        if self._profile is not None:
            self._profile.__exit__(*error)
            self.phases = _phases(self._profile)


def _set_up_products() -> None:
    """Multiply, forwards and backwards, plainly and with a bias: cuBLAS and its light version each keep a workspace.

    They are taken at first use, one per thread, and whatever is counted then would have them in its bytes.
    """
    with torch.inference_mode(False), torch.enable_grad():
        some = torch.ones(8, 8, device="cuda", requires_grad=True)
        torch.nn.functional.linear(some, some @ some, some[0]).sum().backward()


def _counted(what: str, when: str) -> int:
    return int(torch.cuda.memory_stats()[f"{what}.all.{when}"])


def _phases(profiled: profile) -> dict[str, Phase]:
    assert profiled.profiler is not None and profiled.profiler.kineto_results is not None
    phases: dict[str, Phase] = {}
    alive = peak = 0
    named = ((event.name(), event) for event in profiled.profiler.kineto_results.events())
    wanted = [(name, event) for name, event in named if name == "[memory]" or name.startswith(MARK)]  # a third
    for name, event in sorted(wanted, key=lambda pair: pair[1].start_ns()):
        if name == "[memory]":
            alive += event.nbytes()  # type: ignore[attr-defined]
            peak = max(peak, alive)
        else:
            phases[name.removeprefix(MARK)] = Phase(alive, peak)
            peak = alive
    return phases


class Written(TorchDispatchMode):
    """Counts the bytes that concatenations and copies write while it is open."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in WRITERS:
            place = WRITERS[name]
            self.bytes += (result if place is None else args[place]).nbytes
        return result
