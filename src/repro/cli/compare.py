"""`repro compare`: a reader's own rerun beside the book's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from repro.bookkeeping.chapters.comparison import compare as compared
from repro.bookkeeping.chapters.comparison import devices
from repro.cli.commands import refusing
from repro.floor import places


def compare(
    results: Annotated[Path, typer.Argument(help="The results folder of your own rerun (REPRO_RESULTS).")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Set your own rerun beside the book's: same, drift or flip, by claim and device."""
    book = places.root() / "results"
    with refusing(FileNotFoundError, ValueError):
        rows = compared(book, results)
        made_on = [devices(book), devices(results)]
    counts = Counter(str(row.agreement) for row in rows)
    if as_json:
        listed = [{"claim": r.claim, "scale": r.scale, "agreement": str(r.agreement)} for r in rows]
        typer.echo(json.dumps({"counts": counts, "devices": made_on, "claims": listed}, indent=1))
        return
    table = Table("claim", "scale", "agreement", f"book ({made_on[0]})", f"yours ({made_on[1]})")
    for row in rows:
        cells = [f"{v.outcome} {v.estimate.value:.4g}" for v in (row.book, row.reader) if v.estimate]
        table.add_row(row.claim, row.scale, str(row.agreement), *cells)
    console = Console(markup=False)  # names are what others wrote
    console.print(table)
    console.print(", ".join(f"{n} {name}" for name, n in counts.items()) or "no claim and scale in common")
