"""What a verdict says beyond its outcome: of an open one, what the data exclude and which way they lean."""

from __future__ import annotations

from enum import StrEnum

from repro.bookkeeping.ledger.claim import Claim, Region
from repro.bookkeeping.ledger.verdict import Outcome, Verdict

HAIR = 0.05  # of an interval's width


class State(StrEnum):
    """Where an estimate lies between its claim and its rival, of an open verdict in four ways and one more."""

    EXACT = "exact"
    MEASURED = "measured"
    CONSISTENT = "consistent"
    SHORT = "short of it"
    UNDECIDED = "undecided"
    LEANS = "leans against"
    TURNS = "turns with a choice"


def state(claim: Claim, verdict: Verdict) -> State | None:
    """The state of a measured verdict; None of one without estimate or region, or untested.

    An open verdict is *consistent* where the estimate lies in the region and its interval excludes the rival, *short of
    it* where the estimate lies outside and the interval excludes the rival, *undecided* where the estimate lies inside
    and the rival is not excluded, and *leans against* where the estimate lies outside and the rival is not excluded. It
    *turns with a choice* where the interval alone would decide and another choice, as good, does not agree.
    """
    found, holds, rival = verdict.estimate, claim.holds, claim.rival
    if found is None or holds is None or rival is None or verdict.outcome is Outcome.UNTESTED:
        return None
    if verdict.outcome is not Outcome.OPEN:
        return State.EXACT if found.is_exact else State.MEASURED
    if _side(holds, found.low, found.high) != 0:
        return State.TURNS
    inside = _side(holds, found.value, found.value) > 0
    if not found.low <= rival <= found.high:
        return State.CONSISTENT if inside else State.SHORT
    return State.UNDECIDED if inside else State.LEANS


def is_by_a_hair(claim: Claim, verdict: Verdict) -> bool:
    """Whether the outcome would be another if one end of the interval moved by a twentieth of its width."""
    found, holds = verdict.estimate, claim.holds
    if found is None or holds is None or found.is_exact or verdict.outcome is Outcome.UNTESTED:
        return False
    step = HAIR * (found.high - found.low)
    moved = ((found.low + below, found.high + above) for below, above in ((step, 0), (-step, 0), (0, step), (0, -step)))
    return any(_side(holds, low, high) != _side(holds, found.low, found.high) for low, high in moved)


def _side(holds: Region, low: float, high: float) -> int:
    """1: the span lies inside the region; -1: outside; 0: across an edge."""
    least, most = holds.bounds
    if least <= low and high <= most:
        return 1
    return -1 if high < least or most < low else 0
