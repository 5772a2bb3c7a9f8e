"""How far a sweep is: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY = 10.0  # seconds between two plain lines; a sweep that takes less says nothing

Advance = Callable[[], None]  # called once for each trial that ended


def progress(name: str, total: int) -> AbstractContextManager[Advance]:
    """While this is open, its reader sees how many of `total` trials ended."""
    return _bar(name, total) if sys.stdout.isatty() else _lines(name, total, EVERY)


@contextmanager
def _bar(name: str, total: int) -> Iterator[Advance]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns) as bar:
        task = bar.add_task(name, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def _lines(name: str, total: int, every: float) -> Iterator[Advance]:
    start, finished = time.monotonic(), threading.Event()
    ended: list[bool] = []

    def tell() -> None:
        while not finished.wait(every):
            # to the real stream, not the notebook's: a page must not depend on how long a run took
            print(f"  {name}: {len(ended)} of {total} trials, {time.monotonic() - start:.0f} s", file=sys.__stderr__)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield lambda: ended.append(True)
    finally:
        finished.set()
        teller.join()
