"""GPU kernels captured once as a graph and replayed, without the time that launching each takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

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
