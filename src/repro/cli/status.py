"""`repro status`: what is on record, by chapter and scale."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from repro.bookkeeping.ledger import final_outcomes, load_ledger
from repro.bookkeeping.ledger.verdict_files import load_verdicts
from repro.bookkeeping.notebooks import notebooks
from repro.bookkeeping.records import stale_records
from repro.cli.commands import refusing
from repro.floor import places
from repro.floor.doors import import_measurements


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False) -> None:
    """Say what is on record and what is stale, by chapter and scale."""
    with refusing(ValueError, FileNotFoundError):
        import_measurements()
        report = _report()
    if as_json:
        typer.echo(json.dumps(report, indent=1))
        return
    console = Console(markup=False)  # names are what others wrote
    table = Table(
        "chapter", "claims", "settled", "controls", "notebooks", "verdicts at smoke", "cpu", "gpu", title="Chapters"
    )
    for name, row in report["chapters"].items():
        scales = row["verdicts"]
        cells = [
            row["claims"],
            row["settled"],
            row["controls"],
            ", ".join(row["notebooks"]),
            *(scales.get(s, 0) for s in ("smoke", "cpu", "gpu")),
        ]
        table.add_row(name, *(str(cell) for cell in cells))
    console.print(table)
    records = ", ".join(f"{name} {n}" for name, n in report["records"].items()) or "none"
    console.print(f"records: {records}")
    for stale in report["stale"]:
        console.print(f"stale: {stale}", markup=False)
    console.print(
        f"{len(report['stale'])} stale records" + ("; repro records prune lists them" if report["stale"] else "")
    )


def _report() -> dict[str, Any]:
    ledger, verdicts = load_ledger(places.experiments()), load_verdicts(places.results())
    outcomes = final_outcomes(ledger, verdicts)
    rows: dict[str, Any] = {}
    for name, claim in ledger.items():
        row = rows.setdefault(
            claim.chapter, {"claims": 0, "settled": 0, "controls": 0, "notebooks": [], "verdicts": Counter()}
        )
        row["controls"] += claim.control
        row["claims"] += not claim.control
        row["settled"] += outcomes[name].outcome.settled and not claim.control
        row["verdicts"].update(verdicts.get(name, {}).keys())
    for notebook in notebooks(places.experiments()):
        rows[notebook.chapter]["notebooks"].append(notebook.name)
    folder = places.results() / "records"
    counts = {path.name: len(list(path.glob("*.json"))) for path in sorted(folder.glob("*")) if path.is_dir()}
    return {"chapters": rows, "records": counts, "stale": [str(stale) for stale in stale_records(folder)]}
