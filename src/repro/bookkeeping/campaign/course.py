"""The course of a campaign: slice after slice, each within its limit, whatever became of the one before."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from repro.bookkeeping.campaign.luggage import Luggage
from repro.bookkeeping.campaign.slices import Slice, notebook_of
from repro.bookkeeping.chapters import Failed, Server, execute, side_by_side
from repro.bookkeeping.sweeps import OutOfTime

LEAST = 15.0  # seconds for which no slice is begun: its kernel has hardly started by then


@dataclass(frozen=True)
class Entry:
    """How a slice ended, a line of the log.

    Fields: `ended` is whole, out of time, failed, not begun or interrupted; `told` what there is to say of that;
    `records` how many were made; `date` when it began.
    """

    notebook: str
    scale: str
    ended: str
    told: str
    predicted_seconds: float
    seconds: float
    records: int
    date: str

    @property
    def words(self) -> str:
        """The same for a person."""
        took = f"{self.seconds:.0f} s, predicted {self.predicted_seconds:.0f} s, {self.records} records"
        return f"{self.notebook}: {self.ended}, {took}" + (f": {self.told}" if self.told else "")


def run_slices(
    slices: Sequence[Slice],
    experiments: Path,
    luggage: Luggage,
    *,
    scale: str,
    until: float,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Entry]:
    """Run slices in order until the moment `until`; what they measure is in `luggage` at any time.

    No verdict is kept, since cells after one that raises are run too, for their sweeps: verdicts are derived from the
    records, at home.
    """

    def run(server: Server, one: Slice) -> Entry:
        before, began, clock = len(luggage.records()), datetime.now(UTC), time.monotonic()
        ended, told = "interrupted", ""
        try:
            ended, told = _run(server, one, experiments, scale, until)
        finally:
            seconds, records = round(time.monotonic() - clock, 1), len(luggage.records()) - before
            date = began.isoformat(timespec="seconds")
            entry = Entry(one.notebook, scale, ended, told, round(one.predicted, 1), seconds, records, date)
            luggage.note(asdict(entry))
            luggage.pack()
            tell(entry.words)
        return entry

    with luggage.packing(tell):
        return side_by_side(run, slices, at_once=1)


def _run(server: Server, one: Slice, experiments: Path, scale: str, until: float) -> tuple[str, str]:
    """How a slice ended, and what there is to say of it."""
    limit = min(time.time() + one.within, until)
    if limit - time.time() < LEAST:
        return "not begun", "no time is left"
    wanted = {"REPRO_UNTIL": str(limit), "REPRO_ENGINE": one.engine, "REPRO_JOBS": str(one.jobs or "")}
    with tempfile.TemporaryDirectory() as folder, _environment(wanted):
        notebook, output = notebook_of(one, experiments), Path(folder) / "executed.ipynb"
        try:
            execute(notebook, {"scale": scale, **one.knobs}, output, go_on=True, server=server)
        except OutOfTime as late:
            return "out of time", str(late)
        except Failed as error:
            return "failed", str(error)
    return "whole", ""


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    """Let the kernels that start inside inherit these variables."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})
