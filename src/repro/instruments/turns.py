"""Several things timed in turn on one device, so that a busy machine slows all of them alike."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from repro.instruments.devices import attention_of_any_length, present

TimedRun = Callable[[], object]


def take_turns(runs: Sequence[TimedRun], *, rounds: int, seed: int, device: str = "cpu") -> list[list[float]]:
    """Seconds of each run in each round; every round takes all of them once, in an order drawn anew.

    On a CPU these are seconds of the calling thread, which waiting for another process does not lengthen, though a
    memory bus shared with it does; on a GPU, seconds between two events on its stream, which is busy before the first.
    """
    order, timed = random.Random(seed), _timed_on_gpu() if device == "cuda" else _on_cpu
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for place in order.sample(range(len(runs)), len(runs)):
            seconds[place].append(timed(runs[place]))
    return seconds


def _on_cpu(run: TimedRun) -> float:
    begin = clock("cpu")
    run()
    return clock("cpu") - begin


def _timed_on_gpu() -> Callable[[TimedRun], float]:
    matrix = torch.ones(1024, 1024, device="cuda")

    def timed(run: TimedRun) -> float:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.mm(matrix, matrix)  # some 50 us of work, during which the run's first launch arrives
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize()
        return float(begin.elapsed_time(end)) / 1e3

    return timed


def clock(device: str) -> float:
    """Seconds: on a CPU those that this thread has worked, on a GPU those that passed until its work was done."""
    if device == "cpu":
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def seconds_spent() -> float:
    """Seconds: on a CPU those that this process has worked, on a GPU those that passed until its work was done.

    The device is the one where new tensors are made. Other processes on a GPU lengthen its seconds.
    """
    if torch.get_default_device().type == "cpu":
        return time.process_time()
    return clock("cuda")


def milliseconds(seconds: Sequence[Sequence[float]]) -> list[float]:
    """The median over the rounds, in milliseconds."""
    return [1e3 * statistics.median(each) for each in seconds]


@contextmanager
def on_one_thread(device: str) -> Iterator[None]:
    """Let torch use one thread, so that the thread's clock sees all of the work; torch's own number comes back.

    On a GPU attention is meanwhile by kernels that take any length.

    Raises:
        ValueError: a device that this machine does not have: a time measured elsewhere would be another quantity.
    """
    present(device)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with attention_of_any_length():
            yield
    finally:
        torch.set_num_threads(before)
