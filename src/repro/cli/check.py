"""`repro check`: derive every committed verdict again and name each drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from repro.cli.commands import refusing
from repro.floor import places

if TYPE_CHECKING:  # papermill is loaded by a check, and not by a question for help
    from repro.bookkeeping.ledger import RegionChange


def check(as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False) -> None:
    """Derive all verdicts again from committed records, with computing forbidden; exit 1 if one differs.

    Rivals are judged too, and a refuted control is an alarm: both fail. Regions that changed after their first verdict
    are listed (that is no failure: the ledger page says so).
    """
    from repro.bookkeeping import chapters
    from repro.bookkeeping.ledger import Outcome, judge_rival, load_ledger, region_changes
    from repro.bookkeeping.ledger.outcomes import alarms
    from repro.bookkeeping.ledger.verdict_files import load_verdicts

    console = Console(quiet=as_json)
    with refusing(ValueError, chapters.Failed):
        drifts = chapters.check(places.root(), places.results(), tell=console.print)
        ledger, verdicts = load_ledger(places.experiments()), load_verdicts(places.results())
    blunt = [c.id for c in ledger.values() if c.holds and judge_rival(c) is not Outcome.REFUTED]
    refuted = alarms(ledger, verdicts)
    changes = region_changes(places.root())
    if as_json:
        changed = None if changes is None else [vars(change) for change in changes]
        typer.echo(
            json.dumps(
                {
                    "drifts": [str(d) for d in drifts],
                    "rivals_not_refuted": blunt,
                    "alarms": refuted,
                    "region_changes": changed,
                }
            )
        )
    for drift in drifts:
        console.print(f"drift: {drift}", markup=False)
    for name in blunt:
        console.print(f"a check that cannot fail: the rival of {name} is not refuted by its region")
    for name in refuted:
        console.print(
            f"alarm: the control {name} is refuted; it is true by construction, so seek the fault in its check"
        )
    _tell_changes(console, changes)
    console.print(f"{len(drifts)} drifts, {len(blunt)} rivals that are not refuted, {len(refuted)} alarms")
    if drifts or blunt or refuted:
        raise typer.Exit(1)


def _tell_changes(console: Console, changes: list[RegionChange] | None) -> None:
    if changes is None:
        console.print("no git history at hand, so changes of regions cannot be told")
    for change in changes or []:
        console.print(f"region changed after its first verdict: {change}", markup=False)
