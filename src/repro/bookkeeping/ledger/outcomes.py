"""The outcome that a claim's row shows: measured, by citation, or from its parts."""

from __future__ import annotations

from collections.abc import Mapping

from repro.bookkeeping.ledger.claim import Claim, Kind, parts_by_claim
from repro.bookkeeping.ledger.verdict import Outcome, Verdict, is_alarm

Verdicts = Mapping[str, Mapping[str, Verdict]]  # by claim, then by scale


def final_outcomes(ledger: Mapping[str, Claim], measured: Verdicts) -> dict[str, Verdict]:
    """One verdict for every claim of the ledger."""
    parts = parts_by_claim(ledger)  # once: searching the ledger for the parts of each claim is quadratic
    return {name: _outcome(claim, parts, measured) for name, claim in ledger.items()}


def alarms(ledger: Mapping[str, Claim], measured: Verdicts) -> list[str]:
    """The controls with a refuted verdict on file, at whatever scale."""
    return [
        name
        for name, claim in ledger.items()
        if any(is_alarm(claim, verdict) for verdict in measured.get(name, {}).values())
    ]


def _outcome(claim: Claim, parts: Mapping[str, list[Claim]], measured: Verdicts) -> Verdict:
    """What is known of a claim: from its parts if it has any, else by citation, else at the largest settled scale."""
    if claim.id in parts:
        return _from_parts(claim, [(part, _outcome(part, parts, measured)) for part in parts[claim.id]])
    if claim.finding:
        return Verdict(claim=claim.id, outcome=Outcome(claim.finding), reason=claim.why, scope=claim.place)
    if claim.kind is Kind.OPINION and claim.why:
        return Verdict(claim=claim.id, outcome=Outcome.NOT_TESTABLE, reason=claim.why)
    ranked = sorted(measured.get(claim.id, {}).values(), key=lambda v: (v.outcome is not Outcome.UNTESTED, v.scale))
    if ranked:
        return ranked[-1]
    return Verdict(claim=claim.id, outcome=Outcome.UNTESTED, reason=claim.why or "No check has been run yet.")


def _from_parts(claim: Claim, parts: list[tuple[Claim, Verdict]]) -> Verdict:
    outcomes = {verdict.outcome for _, verdict in parts}
    literal = {verdict.outcome for part, verdict in parts if part.literal}
    shared = outcomes.pop() if len(outcomes) == 1 else Outcome.MIXED
    listed = ", ".join(f"{part.id} {verdict.outcome}" for part, verdict in parts)
    stands = literal.pop() if shared is Outcome.MIXED and len(literal) == 1 else None
    return Verdict(claim=claim.id, outcome=shared, reason=f"{len(parts)} parts: {listed}.", as_it_stands=stands)
