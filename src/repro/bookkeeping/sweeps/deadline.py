"""The time that trials may take: none is begun once it is over, and what runs then is ended as by an interrupt."""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600}
Piece = TypeVar("Piece")


class OutOfTime(RuntimeError):
    """The time is over (REPRO_UNTIL) before all trials were on record; a rerun runs the others."""


class TimeIsOver(KeyboardInterrupt):
    """What ends the trial that runs when the time is over."""


def seconds_of(text: str) -> float:
    """A duration in seconds, from `180s`, `3min`, `1h` or plain seconds.

    Raises:
        ValueError: it is spelled otherwise, or is nothing.
    """
    spelled = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|min|h|)", text.strip())
    if not spelled or float(spelled[1]) == 0:
        raise ValueError(f"{text!r} is no duration; expected seconds, minutes or hours, such as 180s, 3min or 180")
    return float(spelled[1]) * SECONDS[spelled[2]]


def instant(text: str) -> float:
    """A moment in seconds since 1970, as REPRO_UNTIL names it; an endless time where it is empty.

    Raises:
        ValueError: it is no such number.
    """
    if not text:
        return math.inf
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f"REPRO_UNTIL is {text!r}; expected seconds since 1970, which --within 180s sets")
    return float(text)


def in_time(work: Iterable[Piece], until: float) -> Iterator[Piece]:
    """Pieces of work one by one, as long as there is time for another one like the last.

    How long one took is the time until the next is asked for.
    """
    took = 0.0
    for piece in work:
        began = time.time()
        if until - began <= took:
            return
        yield piece
        took = time.time() - began


@contextmanager
def ended_at(until: float) -> Iterator[None]:
    """Raise TimeIsOver in what stands inside, at the moment `until`; only in a process's main thread."""
    if math.isinf(until):
        yield
        return
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(until - time.time(), 1e-6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise TimeIsOver
