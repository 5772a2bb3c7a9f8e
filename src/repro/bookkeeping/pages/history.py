"""What became of a claim over time, as far as it is on record: outcomes that turned, regions that were changed."""

from __future__ import annotations

from repro.bookkeeping.display.elements import tag, text
from repro.bookkeeping.display.spelling import chip, estimate
from repro.bookkeeping.ledger import Claim, Outcome, RegionChange, Verdict
from repro.bookkeeping.ledger.verdict_files import Change
from repro.bookkeeping.site import Site


def history(claim: Claim, site: Site) -> str:
    """A line for each change, oldest first; empty where there was none, as of a claim settled by citation."""
    lines = [(change.date, _outcome(change)) for change in site.changelog if change.claim == claim.id]
    lines += [(one.date, _region(one)) for one in site.region_changes or () if one.claim == claim.id]
    newest = [site.verdicts[claim.id], *site.elsewhere(claim)]
    told = {(change.date, change.scale) for change in site.changelog if change.claim == claim.id}
    lines += [(v.date, _numbers(v)) for v in newest if v.date and (v.date, str(v.scale)) not in told]
    return (
        tag("ul", *(tag("li", date, " ", line) for date, line in sorted(lines)), class_="repro-history")
        if lines
        else ""
    )


def turned(change: RegionChange) -> str:
    """What was changed of a region, old and new."""
    names = [name for name in {**change.before, **change.after} if change.before.get(name) != change.after.get(name)]
    pairs = ((name, _spelled(change.before.get(name)), _spelled(change.after.get(name))) for name in names)
    return "; ".join(f"{name} from {old} to {new}" for name, old, new in pairs)


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{bound} {edge}" for bound, edge in value.items())
    return "nothing" if value is None else str(value)


def _outcome(change: Change) -> str:
    was = f", before {change.before}" if change.before else ", the first verdict"
    return f"{chip(Outcome(change.after))} at scale {change.scale}{was}"


def _region(change: RegionChange) -> str:
    return text(f"the rule was changed, {turned(change)}: {change.why} ({change.commit})")


def _numbers(verdict: Verdict) -> str:
    found = f": {estimate(verdict.estimate)}" if verdict.estimate else ""
    return f"the numbers of now at scale {verdict.scale}, {verdict.outcome} as before{found}"
