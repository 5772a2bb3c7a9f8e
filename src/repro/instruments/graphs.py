"""GPU kernels captured once as a graph and replayed, without the time that launching each takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
Replay = Callable[[], object]


def capture(work: Callable[[], T], *, warm: bool = True) -> tuple[Replay, T]:
    """Make a CUDA graph of `work`; returns its replay, and the result, whose tensors each replay writes anew.

    Args:
        work: reads and writes tensors that stay where they are in memory; capturing does not do it.
        warm: do it once before, as libraries that prepare themselves need.
    """
    graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    if warm:
        with torch.cuda.stream(side):
            work()
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        result = work()
    return graph.replay, result


class Replayed:
    """A function of tensors that is replayed as a graph where they are on a GPU; elsewhere it is only called.

    A step of a small model is hundreds of launches, each longer than its kernel, and a graph is one. What the function
    reads and writes besides its arguments must stay where it is in memory, and it may not wait for the device.

    Fields: `first` calls are made as they are, so that libraries have prepared themselves before the graph is made; so
    is a call with arguments of other shapes than the graph's.
    """

    def __init__(self, work: Callable[..., Tensor], *, first: float = 1) -> None:
        self.work, self.first, self.calls = work, first, 0
        self._graph: tuple[Replay, Tensor, list[Tensor]] | None = None  # with what it writes and what it reads

    def __call__(self, *arguments: Tensor) -> Tensor:
        """The function's result, which no later call overwrites."""
        self.calls += 1
        if not arguments[0].is_cuda or self.calls <= self.first:
            return self.work(*arguments)
        if self._graph is None:
            held = [part.clone() for part in arguments]
            self._graph = (*capture(functools.partial(self.work, *held), warm=False), held)
        replay, result, held = self._graph
        if [part.shape for part in arguments] != [part.shape for part in held]:
            return self.work(*arguments)
        for mine, given in zip(held, arguments, strict=True):
            mine.copy_(given)
        replay()
        return result.clone()
