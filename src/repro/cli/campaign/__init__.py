"""`repro campaign`: a declared list of slices within a time, and one archive of what they measured."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from repro.cli.campaign.plan import claims_of, table_of
from repro.cli.commands import refusing
from repro.floor import places


def campaign(
    names: Annotated[list[str] | None, typer.Argument(help="Only the slices of these notebooks.")] = None,
    scale: Annotated[str, typer.Option(help="gpu, or smoke for a rehearsal.")] = "gpu",
    within: Annotated[str, typer.Option(help="How long all of it may take: 540s, 9min.")] = "540s",
    to: Annotated[Path | None, typer.Option(help="The folder to bring home; by default results/campaign.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show the slices and what they should take.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Run the slices of experiments/campaign.toml in order, within a time, and pack what they measured.

    Records are packed into records.tar.gz every quarter of a minute, beside a log and small weights, so that a kill
    costs little. What is on record is looked up, so a second call goes on where the first one stopped: also on another
    machine, from the folder. Verdicts are not kept: take the archive in at home and derive them there.

    Exit code 2 if a slice failed, else 3 if one was out of time or not begun.
    """
    from repro.bookkeeping import campaign as course
    from repro.bookkeeping.records import RecordStore
    from repro.bookkeeping.sweeps import seconds_of

    console, experiments = Console(stderr=as_json), places.experiments()
    with refusing(LookupError, ValueError, TypeError, FileNotFoundError):
        until = time.time() + seconds_of(within)
        slices = course.choose(course.load_slices(experiments / "campaign.toml"), names or [])
        course.refuse_unfit_knobs(slices, experiments, scale)
        if plan:
            seen = course.outlooks(slices, experiments, scale)
            console.print(table_of(slices, seen, scale))
            console.print(claims_of(slices, console.width), markup=False, highlight=False)
            if as_json:
                both = zip(slices, seen, strict=True)
                typer.echo(json.dumps([{**one.model_dump(), "on_record": asdict(on)} for one, on in both], indent=1))
            return
        store = RecordStore(places.results() / "records")
        luggage = course.Luggage(to or places.results() / "campaign", store, places.checkpoints() / "weights")

    def tell(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    with _interrupted_by_sigterm():
        entries = course.run_slices(slices, experiments, luggage, scale=scale, until=until, tell=tell)
    tell(f"{len(luggage.records())} records in {luggage.archive}; at home: repro records merge {luggage.archive.name}")
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=1))
    ended = {entry.ended for entry in entries}
    if ended - {"whole"}:
        raise typer.Exit(2 if "failed" in ended else 3)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, by which `timeout` and batch systems end a command, leave time to pack, as an interrupt does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
