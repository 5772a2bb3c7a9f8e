"""How the book says what a verdict means: the mark of its outcome with its state, and one sentence of reason."""

from __future__ import annotations

from repro.bookkeeping.display.elements import tag, text
from repro.bookkeeping.display.spelling import ALARM, CONTROL, chip, interval, number
from repro.bookkeeping.ledger import Claim, Outcome, State, Verdict, is_alarm, is_by_a_hair, state

UNITLESS = {"share": "a share of ", "exponent": "an exponent of "}  # what a metric that has no unit begins with
HAIR = "By a hair: the outcome would be another if one end of the interval moved by a twentieth of its width."


def mark(claim: Claim, verdict: Verdict, *, href: str | None = None) -> str:
    """Symbol, outcome and state of a verdict, and whether it is a control's."""
    marked = chip(verdict.outcome, more=_more(claim, verdict), href=href)
    if is_alarm(claim, verdict):
        return marked + tag("span", "alarm: a refuted control", class_="repro-mark repro-alarm")
    return marked + (tag("span", "control", class_="repro-mark") if claim.control else "")


def certainty(claim: Claim) -> str:
    """One quiet line under the mark of a finding: how near we came to its place; nothing of other claims."""
    return tag("span", text(f"place: {claim.certainty}"), class_="repro-meta") if claim.certainty else ""


def _more(claim: Claim, verdict: Verdict) -> str:
    """What stands behind the outcome on its mark: of an open one its state, of a mixed one what it is as it stands."""
    found = state(claim, verdict)
    if verdict.as_it_stands:
        return f"{verdict.as_it_stands} as it stands"
    if verdict.outcome is not Outcome.OPEN or found is None or claim.rival is None:
        return ""
    return f"rules out {_rival(claim)}" if found is State.CONSISTENT else str(found)


def _rival(claim: Claim) -> str:
    """The value that we would see if the claim were false, with its unit, or what it is where it has none."""
    value = number(claim.rival or 0.0)
    kind = next((kind for word, kind in UNITLESS.items() if word in claim.metric.split()[:2]), "")
    return f"{value} {claim.unit}" if claim.unit else f"{kind}{value}"


def reason(claim: Claim, verdict: Verdict) -> str:
    """One sentence or two: what the outcome means, of an open one what the data allow and what they exclude."""
    parts = [_reason(claim, verdict)]
    parts += [HAIR] if is_by_a_hair(claim, verdict) else []
    parts += [CONTROL] if claim.control and not is_alarm(claim, verdict) else []
    parts += [ALARM] if is_alarm(claim, verdict) else []
    return " ".join(parts)


def _reason(claim: Claim, verdict: Verdict) -> str:
    found, measured = state(claim, verdict), verdict.estimate
    if verdict.outcome is not Outcome.OPEN or found in (None, State.TURNS) or measured is None or claim.rival is None:
        return verdict.reason
    value, low, high = interval(measured)
    rival = _rival(claim)
    return {
        State.CONSISTENT: f"Consistent with the claim, but no proof: the data allow {low} to {high}, and they rule out "
        f"{rival}.",
        State.SHORT: f"Short of the claim: the best estimate, {value}, lies outside the region. The data allow {low} "
        f"to {high}, and they rule out {rival}.",
        State.UNDECIDED: f"The data cannot tell: anything from {low} to {high} fits, so both the claim and {rival} do.",
        State.LEANS: f"The data lean against the claim: the best estimate is {value}, but anything from {low} to "
        f"{high} fits.",
    }[found]
