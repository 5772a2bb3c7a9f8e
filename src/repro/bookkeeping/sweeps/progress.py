"""How far a sweep, a download or a fit is: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY = 10.0  # seconds between two plain lines; what takes less says nothing

Advance = Callable[..., None]  # called once for each that ended, or with how many did


def progress(name: str, total: int, *, of: str = "trials") -> AbstractContextManager[Advance]:
    """While this is open, its reader sees on standard error how many of `total` trials (or what `of` names) ended."""
    return _bar(name, total) if sys.stderr.isatty() else _lines(name, total, of, EVERY)


@contextmanager
def _bar(name: str, total: int) -> Iterator[Advance]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)  # standard output is a program's, who asked for --json
    with Progress(TextColumn("{task.description}"), *columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda ended=1: bar.advance(task, ended)


@contextmanager
def _lines(name: str, total: int, of: str, every: float) -> Iterator[Advance]:
    start, finished = time.monotonic(), threading.Event()
    ended: list[int] = []

    def tell() -> None:
        while not finished.wait(every):
            # to the real stream, not the notebook's: a page must not depend on how long a run took
            print(f"  {name}: {sum(ended):,} of {total:,} {of}, {time.monotonic() - start:.0f} s", file=sys.__stderr__)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield lambda more=1: ended.append(more)
    finally:
        finished.set()
        teller.join()
