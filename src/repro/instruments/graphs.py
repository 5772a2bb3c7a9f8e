"""A row of GPU kernels captured once and replayed, without the time to launch each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")
Replay = Callable[[], object]


def captured(work: Callable[[], T], *, warm: bool = True) -> tuple[Replay, T]:
    """Work on tensors that stay where they are, as one CUDA graph: its replay, and the result that replays renew.

    Args:
        warm: run it once before, as libraries that prepare themselves need; the work itself is not done by capturing.
    """
    graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    if warm:
        with torch.cuda.stream(side):
            work()
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        made = work()
    return graph.replay, made
