"""`repro records`: take in another machine's records, give old ones their digests, or drop stale ones."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from repro.bookkeeping.archive import unpacked
from repro.bookkeeping.records import give_digests, stale_records
from repro.bookkeeping.records import merge as take_in
from repro.bookkeeping.records import prune as delete
from repro.cli.commands import refusing
from repro.floor import places

app = typer.Typer(no_args_is_help=True, add_completion=False)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object for programs.")]


@app.callback()
def records() -> None:
    """Take in another machine's records, give old ones their digests, or drop stale ones."""


@app.command()
def merge(
    source: Annotated[
        Path, typer.Argument(help="A results folder of another machine, or a campaign's records.tar.gz.")
    ],
    as_json: AsJson = False,
) -> None:
    """Take in another machine's records, each with its digest; exit 1 if some conflict with ours or are malformed."""
    with (
        refusing(FileNotFoundError, ValueError),
        unpacked(source) if source.is_file() else nullcontext(source) as folder,
    ):
        report = take_in(folder, places.results() / "records")
    place = f"{source}: " if source.is_file() else f"{folder}/"  # an archive was read in a folder that is gone by now
    report.malformed = [line.replace(f"{folder}/", place) for line in report.malformed]
    if as_json:
        typer.echo(json.dumps(vars(report), indent=1))
    else:
        typer.echo(f"{report.new} new, {report.identical} known already")
        for line in [*report.conflicting, *report.malformed]:
            typer.echo(f"left out: {line}")
    if report.conflicting or report.malformed:
        raise typer.Exit(1)


@app.command()
def digest(as_json: AsJson = False) -> None:
    """Give each record that has no digest its own: those made before there were any. Exit 1 if some are broken."""
    found = give_digests(places.results() / "records")
    if as_json:
        typer.echo(json.dumps({"given": [path.name for path in found.bare], "broken": found.broken}, indent=1))
    else:
        typer.echo(f"{len(found.bare)} records were given their digest")
        for line in found.broken:
            typer.echo(f"left out: {line}")
    if found.broken:
        raise typer.Exit(1)


@app.command()
def prune(
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it they are only listed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List stale records, or delete them with --yes."""
    from repro.floor.doors import import_measurements

    import_measurements()
    stale = stale_records(places.results() / "records")
    if yes:
        delete(stale)
    if as_json:
        typer.echo(json.dumps({"stale": [str(record) for record in stale], "deleted": yes}, indent=1))
        return
    for record in stale:
        typer.echo(str(record))
    typer.echo(f"{len(stale)} stale records" + (", deleted" if yes else "; --yes deletes them" if stale else ""))
