"""What ran on the imitated GPU; and its graphs, streams and events."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from imitated_gpu.memory import GPU, HOST, MEMORY


class CaptureError(RuntimeError):
    """What a capture refuses."""

    def __init__(self, why: str) -> None:
        super().__init__(f"CUDA error: operation not permitted when stream is capturing ({why})")


@dataclass
class Work:
    """An operation with its arguments and results on the host, to be done again."""

    name: str
    do: Callable[..., Any]
    args: Any
    kwargs: Any
    results: list[Tensor]
    flops: int


class Recording:
    """The work of a block that is captured; memory that the block writes is as it was, once it ends."""

    def __init__(self, generators: set[int]) -> None:
        self.works: list[Work] = []
        self.generators = generators
        self._before: dict[int, tuple[Tensor, Tensor]] = {}
        self._old = set(MEMORY.storages)

    def save(self, tensor: Tensor) -> None:
        """Keep a copy of the memory that an operation is about to write."""
        address = tensor.untyped_storage().data_ptr()
        if address in self._old and address not in self._before:
            storage = MEMORY.storages[address]
            whole = torch.empty(0, dtype=torch.uint8, device=HOST).set_(storage, 0, (storage.nbytes(),), (1,))
            self._before[address] = whole, whole.clone()

    @torch.inference_mode()  # which may write any tensor
    def end(self) -> None:
        with torch._C.DisableTorchFunction():
            for whole, copy in self._before.values():
                whole.copy_(copy)
            for result in (result for work in self.works for result in work.results):
                if result.is_floating_point() and result.untyped_storage().data_ptr() not in self._old:
                    result.fill_(float("nan"))  # what a capture gives holds nothing before the first replay

    @torch.inference_mode()
    def again(self) -> None:
        with torch._C.DisableTorchFunction():
            for work in self.works:
                fresh = work.do(*work.args, **work.kwargs)
                for old, new in zip(work.results, tensors(fresh), strict=True):
                    if old.data_ptr() != new.data_ptr():
                        old.copy_(new)


def tensors(value: Any) -> list[Tensor]:
    """The tensors of a result, or of a list of arguments."""
    if isinstance(value, Tensor):
        return [value]
    return [tensor for each in value for tensor in tensors(each)] if isinstance(value, list | tuple) else []


class ImitatedGPU:
    """What ran on the imitated GPU.

    Fields: `launches` of single operations and of whole graphs; `launches_in_graphs`; `graph_replays`; `flops` of
    products of matrices; `by_name`, launches of each operation, also in graphs; `waits` of the host.
    """

    def __init__(self) -> None:
        self.capturing: Recording | None = None
        self.waits = 0
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.launches = self.launches_in_graphs = self.graph_replays = self.flops = 0
        self.by_name: Counter[str] = Counter()

    def launch(self, work: Work) -> None:
        """Count an operation, or record it where a graph is captured."""
        if self.capturing is not None:
            self.capturing.works.append(work)
            return
        self.launches += 1
        self.flops += work.flops
        self.by_name[work.name] += 1

    def replayed(self, works: list[Work]) -> None:
        self.launches += 1
        self.graph_replays += 1
        self.launches_in_graphs += len(works)
        self.flops += sum(work.flops for work in works)
        self.by_name.update(work.name for work in works)

    def wait(self) -> None:
        """Let the host wait for the GPU."""
        if self.capturing is not None:
            raise CaptureError("the host waits")
        self.waits += 1

    def top(self, number: int = 12) -> list[tuple[str, int]]:
        """The operations launched most often."""
        return self.by_name.most_common(number)


NOW = ImitatedGPU()


class CUDAGraph:
    """Imitates torch.cuda.CUDAGraph."""

    def __init__(self, keep_graph: bool = False) -> None:
        self._recording: Recording | None = None
        self._generators: set[int] = set()

    def capture_begin(self, *args: Any, **kwargs: Any) -> None:
        if NOW.capturing is not None:
            raise CaptureError("a capture is under way")
        NOW.capturing = self._recording = Recording(self._generators)

    def capture_end(self) -> None:
        NOW.capturing = None
        if self._recording is not None:
            self._recording.end()

    def replay(self) -> None:
        if self._recording is None or NOW.capturing is not None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture, or within one")
        self._recording.again()
        NOW.replayed(self._recording.works)

    def register_generator_state(self, generator: Any) -> None:
        self._generators.add(generator._cdata)

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
        NOW.wait()

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
        self._timed, self._at, self._waits = enable_timing, 0.0, -1

    def record(self, stream: Any = None) -> None:
        self._at, self._waits = time.perf_counter(), NOW.waits

    def synchronize(self) -> None:
        NOW.wait()

    def query(self) -> bool:
        return self._waits < NOW.waits

    def wait(self, stream: Any = None) -> None:
        pass

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds between two events of the host's own clock, which says nothing of a GPU."""
        if not self._timed or not end._timed or -1 in (self._waits, end._waits):
            raise ValueError("Both events must be created with argument 'enable_timing=True', and recorded")
        if not self.query() or not end.query():
            raise RuntimeError("CUDA error: device not ready (events are read before the work is waited for)")
        return 1e3 * (end._at - self._at)
