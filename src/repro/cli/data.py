"""`repro data`: public tables of other people's runs, listed and fetched; texts, listed and moved."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column
from rich.table import Table as Grid

from repro.cli.refusal import refusing
from repro.cli.texts import grid_of_texts, pack, take_survey, unpack
from repro.corpora.tables.tables import Table, TableMissing, TableWrong, find_table, table, tables

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def data() -> None:
    """Public tables of other people's runs: list and fetch them."""


app.command()(pack)
app.command()(unpack)
app.command("survey")(take_survey)


@app.command("list")
def list_tables(
    as_json: Annotated[bool, typer.Option("--json", help="The tables as a JSON list for programs.")] = False,
) -> None:
    """List the public tables (rows, licence) and the texts (size), and whether each is at hand."""
    rows = [(entry, *_place(entry)) for entry in tables().values()]
    if as_json:
        typer.echo(json.dumps([_plain(entry, state, place) for entry, state, place in rows], indent=1))
        return
    grid = Grid(Column("table", no_wrap=True, min_width=44), "rows", "licence", "at hand", "fetch")
    for entry, state, _ in rows:
        grid.add_row(entry.name, str(entry.rows), entry.licence.split(";")[0], state, entry.fetch)
    console = Console()
    console.print(grid)
    for _, state, place in rows:
        if state == "wrong bytes":
            console.print(place, markup=False, style="red")
    lacking = sum(state == "no" for _, state, _ in rows)
    if lacking:
        console.print(
            f"{lacking} of {len(rows)} are not at hand: repro data fetch NAME, or set REPRO_DATA to their folder"
        )
    console.print(grid_of_texts())


@app.command("fetch")
def fetch_tables(
    name: Annotated[str | None, typer.Argument(help="A table's name; `repro data list` shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All tables that a command can make.")] = False,
) -> None:
    """Download a table from its origin at the pinned commit, convert it, and keep it if its sha256 is right."""
    from repro.corpora.tables.fetching import by_hand

    if (name is None) is not every:
        raise typer.BadParameter("give either one table's name or --all")
    with refusing(ValueError):
        wanted = list(tables().values()) if every else [table(name or "")]
    console, failed = Console(stderr=True), 0
    for entry in wanted:
        state, place = _place(entry)
        if state == "yes":
            console.print(f"{entry.name}: at hand, {place}", markup=False, soft_wrap=True)
            continue
        if every and entry.fetch == "by hand":
            console.print(by_hand(entry), markup=False, soft_wrap=True)
            continue
        failed += not _fetch_one(entry, console)
    if failed:
        raise typer.Exit(2)


def _fetch_one(entry: Table, console: Console) -> bool:
    """Whether the table is now at hand; a failure is told and does not stop the next table."""
    from repro.bookkeeping.sweeps.progress import progress
    from repro.corpora.tables.conversion import PickleRefused
    from repro.corpora.tables.fetching import FetchFailed, fetch

    try:
        with progress(entry.name, len(entry.sources) or 1, of="files") as advance:
            path = fetch(entry, advance=advance)
    except (FetchFailed, PickleRefused) as error:
        console.print(f"repro: {error}", style="red", markup=False, soft_wrap=True)
        return False
    console.print(f"{entry.name}: {entry.rows} rows, licence {entry.licence}, {path}", markup=False, soft_wrap=True)
    return True


def _place(entry: Table) -> tuple[str, str]:
    """Whether a table is at hand, and where, or what is wrong with the file that bears its name."""
    try:
        return "yes", str(find_table(entry.id))
    except TableMissing:
        return "no", ""
    except TableWrong as error:
        return "wrong bytes", str(error)


def _plain(entry: Table, state: str, place: str) -> dict[str, object]:
    return {
        "name": entry.name,
        "rows": entry.rows,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "origin": entry.origin,
        "about": entry.about,
        "derived": entry.derived,
        "counting": entry.counting,
        "fetch": entry.fetch,
        "verified": entry.verified,
        "state": state,
        "path": place if state == "yes" else None,
    }
