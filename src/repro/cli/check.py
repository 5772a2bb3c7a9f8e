"""`repro check`: derive every committed verdict again and name each drift, and each record that was edited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from repro.cli.commands import refusing
from repro.floor import places

if TYPE_CHECKING:  # papermill is loaded by a check, and not by a question for help
    from repro.bookkeeping.ledger import RegionChange


SHOWN = 5  # records without a digest that a line names
COUNTED = {
    "drifts": "drifts",
    "outlived": "sentences that outlived their verdict",
    "broken_records": "broken records",
    "records_without_digest": "records without a digest",
    "rivals_not_refuted": "rivals that are not refuted",
    "alarms": "alarms",
}


def check(
    names: Annotated[list[str] | None, typer.Argument(help="Only these notebooks or chapters.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Derive all verdicts again from committed records, with computing forbidden; exit 1 if one differs.

    Each record is compared with its digest: one that was edited, or that holds no digest, fails. Rivals are judged too,
    and a refuted control is an alarm: both fail, as do sentences that speak of outcomes which are others now. Regions
    that changed after their first verdict are listed (that is no failure: the ledger page says so). With names, only
    the verdicts, rivals and controls of these are looked at.
    """
    from repro.bookkeeping import chapters
    from repro.bookkeeping.ledger import Outcome, judge_rival, load_ledger, region_changes
    from repro.bookkeeping.ledger.outcomes import alarms, final_outcomes
    from repro.bookkeeping.ledger.verdict_files import load_verdicts
    from repro.bookkeeping.records import soundness
    from repro.bookkeeping.site.findings import load_findings, stale_findings

    console = Console(quiet=as_json, markup=False)
    with refusing(ValueError, LookupError, FileNotFoundError, chapters.Failed):
        chosen = [n for name in names or [] for n in chapters.find_notebook(places.experiments(), name)]
        selection = list(dict.fromkeys(chosen)) if names else None
        sound = soundness(places.results() / "records")
        checked = chapters.check(places.root(), places.results(), selection, tell=console.print)
        ledger, verdicts = load_ledger(places.experiments()), load_verdicts(places.results())
        findings = load_findings(places.root() / "book" / "findings.toml", ledger) if selection is None else []
    cover = stale_findings(findings, ledger, final_outcomes(ledger, verdicts))
    of = {notebook.chapter for notebook in selection} if selection is not None else None
    ledger = {name: claim for name, claim in ledger.items() if of is None or claim.chapter in of}
    changes = region_changes(places.root(), of)
    found = {
        "drifts": [str(drift) for drift in checked.drifts],
        "outlived": [*checked.outlived, *(f"the cover: {left}" for left in cover)],
        "broken_records": sound.broken,
        "records_without_digest": [f"{path.parent.name}/{path.stem}" for path in sound.bare],
        "rivals_not_refuted": [c.id for c in ledger.values() if c.holds and judge_rival(c) is not Outcome.REFUTED],
        "alarms": alarms(ledger, verdicts),
    }
    if as_json:
        typer.echo(json.dumps({**found, "region_changes": None if changes is None else [vars(c) for c in changes]}))
    for line in _lines(**found):
        console.print(line)
    _tell_changes(console, changes)
    console.print(", ".join(f"{len(each)} {COUNTED[name]}" for name, each in found.items()))
    if any(found.values()):
        raise typer.Exit(1)


def _lines(
    drifts: list[str],
    outlived: list[str],
    broken_records: list[str],
    records_without_digest: list[str],
    rivals_not_refuted: list[str],
    alarms: list[str],
) -> Iterator[str]:
    """A line for each thing that fails the check; of records without a digest, the first ones."""
    yield from (f"drift: {drift}" for drift in drifts)
    yield from (f"a sentence has outlived its verdict: {line}" for line in outlived)
    yield from (f"broken: {line}" for line in broken_records)
    if bare := records_without_digest:
        listed = ", ".join(name[: name.index("/") + 13] for name in bare[:SHOWN])
        more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
        yield f"no digest, so an edit would not be seen: {listed}{more}; `repro records digest` gives records theirs"
    for name in rivals_not_refuted:
        yield f"a check that cannot fail: the rival of {name} is not refuted by its region"
    for name in alarms:
        yield f"alarm: the control {name} is refuted; it is true by construction, so seek the fault in its check"


def _tell_changes(console: Console, changes: list[RegionChange] | None) -> None:
    if changes is None:
        console.print("no git history at hand, so changes of regions cannot be told")
    for change in changes or []:
        console.print(f"region changed after its first verdict: {change}")
