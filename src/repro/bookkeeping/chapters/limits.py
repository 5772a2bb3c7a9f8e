"""What ends a notebook's kernel when its time is over and it has not ended by itself."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Timer

from repro.bookkeeping.chapters.kernels import Kernel

GRACE = 10.0  # seconds after the end, since a process busy in a library does not hear an interrupt at once


@contextmanager
def killed_after(until: float, kernels: Sequence[Kernel], killed: Event) -> Iterator[None]:
    """Kill kernels and the processes that they started, some seconds after the moment `until`, and set `killed`."""

    def kill() -> None:
        for kernel in kernels:
            if kernel.poll() is None:
                killed.set()
                os.killpg(kernel.pid, signal.SIGKILL)  # it leads a process group of its own

    if math.isinf(until):
        yield
        return
    timer = Timer(max(0.0, until - time.time()) + GRACE, kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
