"""`repro claims`: the ledger in the terminal."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import Annotated

import typer

from repro.bookkeeping.ledger import Claim, Kind, Outcome, Verdict, final_outcomes, is_alarm, load_ledger
from repro.bookkeeping.ledger.verdict_files import load_verdicts
from repro.cli.commands import refusing
from repro.floor import places

INDENT = " " * 14  # outcomes stand alone in their column


def claims(
    outcome: Annotated[Outcome | None, typer.Option(help="Only claims of this outcome.")] = None,
    source: Annotated[str | None, typer.Option(help="Only claims of this article, A to E.")] = None,
    chapter: Annotated[str | None, typer.Option(help="Only this chapter's.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only this kind.")] = None,
    control: Annotated[bool | None, typer.Option(help="Controls alone, or findings alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list for programs.")] = False,
) -> None:
    """List the claims with what is known of each."""
    with refusing(ValueError, FileNotFoundError):
        ledger = load_ledger(places.experiments())
        verdicts = final_outcomes(ledger, load_verdicts(places.results()))
    _refuse_unknown("--source", source, [*"ABCDE"])
    _refuse_unknown("--chapter", chapter, sorted({claim.chapter for claim in ledger.values()}))
    rows = [
        (claim, verdicts[name])
        for name, claim in ledger.items()
        if outcome in (None, verdicts[name].outcome)
        and (source is None or source in claim.said_by)
        and chapter in (None, claim.chapter)
        and kind in (None, claim.kind)
        and control in (None, claim.control)
    ]
    if as_json:
        typer.echo(json.dumps([_plain(claim, verdict) for claim, verdict in rows], indent=1))
        return
    for claim, verdict in rows:
        typer.echo(_listed(claim, verdict, shutil.get_terminal_size().columns))
    controls = sum(claim.control for claim, _ in rows)
    typer.echo(f"{len(rows)} of {len(ledger)} claims; controls among them: {controls}")


def _listed(claim: Claim, verdict: Verdict, width: int) -> str:
    """A line of outcome, name, estimate and region, and under it what the claim says; a table takes seconds to set."""
    e = verdict.estimate
    estimate = f"  {e.value:.4g} [{e.low:.4g}, {e.high:.4g}] {e.unit}".rstrip() if e else ""
    region = f"  (region {claim.holds.bounds[0]:g} to {claim.holds.bounds[1]:g})" if claim.holds else ""
    says = textwrap.fill(claim.says, max(width, 40), initial_indent=INDENT, subsequent_indent=INDENT)
    return f"{verdict.outcome:<12}  {claim.id}{_marks(claim, verdict)}{estimate}{region}\n{says}"


def _marks(claim: Claim, verdict: Verdict) -> str:
    control = "  ALARM: a refuted control" if is_alarm(claim, verdict) else "  control" if claim.control else ""
    return control + (f"  one fit: {claim.one_fit}" if claim.one_fit else "")


def _refuse_unknown(option: str, given: str | None, known: list[str]) -> None:
    if given is not None and given not in known:
        raise typer.BadParameter(f"{option} {given!r}; expected one of {', '.join(known)}")


def _plain(claim: Claim, verdict: Verdict) -> dict[str, object]:
    measured = {
        "scale": str(verdict.scale) if verdict.scale else None,
        "scope": verdict.scope,
        "device": verdict.device,
        "reason": verdict.reason,
    }
    estimate = verdict.estimate.plain() if verdict.estimate else None
    return {**claim.model_dump(mode="json"), "outcome": str(verdict.outcome), "estimate": estimate, **measured}
