"""The outcome that a claim's row shows: measured, by citation, or from its parts."""

from __future__ import annotations

from collections.abc import Mapping

from repro.bookkeeping.ledger.claim import Claim, Kind
from repro.bookkeeping.ledger.verdict import Outcome, Verdict

Verdicts = Mapping[str, Mapping[str, Verdict]]  # by claim, then by scale


def final_outcomes(ledger: Mapping[str, Claim], measured: Verdicts) -> dict[str, Verdict]:
    """One verdict for every claim of the ledger."""
    return {name: outcome_of(claim, ledger, measured) for name, claim in ledger.items()}


def outcome_of(claim: Claim, ledger: Mapping[str, Claim], measured: Verdicts) -> Verdict:
    """What is known of a claim: from its parts if it has any, else by citation, else at the largest settled scale."""
    parts = [part for part in ledger.values() if part.part_of == claim.id]
    if parts:
        return _from_parts(claim, [outcome_of(part, ledger, measured) for part in parts])
    if claim.finding:
        return Verdict(claim.id, Outcome(claim.finding), claim.why, scope=claim.place)
    if claim.kind is Kind.OPINION and claim.why:
        return Verdict(claim.id, Outcome.NOT_TESTABLE, claim.why)
    ranked = sorted(measured.get(claim.id, {}).values(), key=lambda v: (v.outcome is not Outcome.UNTESTED, v.scale))
    if ranked:
        return ranked[-1]
    return Verdict(claim.id, Outcome.UNTESTED, "No check has been run yet.")


def _from_parts(claim: Claim, parts: list[Verdict]) -> Verdict:
    outcomes = {part.outcome for part in parts}
    shared = outcomes.pop() if len(outcomes) == 1 else Outcome.MIXED
    listed = ", ".join(f"{part.claim} {part.outcome}" for part in parts)
    return Verdict(claim.id, shared, f"{len(parts)} parts: {listed}.")
