"""What a verdict rests on, as a list of facts: on its card, and at the claim's own address."""

from __future__ import annotations

from repro.bookkeeping.display.elements import tag, text
from repro.bookkeeping.display.papers import linked
from repro.bookkeeping.display.spelling import interval, number, region
from repro.bookkeeping.ledger import Claim, Verdict

UP = "../"  # cards and claims stand on pages of chapters


def facts(claim: Claim, verdict: Verdict) -> str:
    """The list, without what the claim or its verdict does not have."""
    return tag(
        "dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(claim, verdict) if value)
    )


def _facts(claim: Claim, verdict: Verdict) -> list[tuple[str, str]]:
    who = ", ".join(
        tag("a", letter, href=f"{UP}articles/{letter.lower()}.html#{claim.anchor}") for letter in claim.said_by
    )
    ends = region(claim.holds, claim.unit) + (f": {claim.because}" if claim.because else "")
    measured = f"{verdict.scale}: {verdict.scope}" if verdict.scale else verdict.scope
    return [
        ("Estimate", _estimate(verdict)),
        ("Measured", text(claim.metric)),
        ("Region stated beforehand", text(ends)),
        ("If it were false", text(f"about {number(claim.rival)} {claim.unit}") if claim.rival is not None else ""),
        ("Scale" if verdict.scale else "Where", linked(measured)),
        ("Carries to", str(claim.reach or "")),
        ("Device", text(verdict.device)),
        ("One fit", _one_fit(claim)),
        ("Said by", f"{'article' if len(claim.said_by) == 1 else 'articles'} {who}" if who else ""),
        ("Source", linked(claim.primary)),
    ]


def _one_fit(claim: Claim) -> str:
    return f"{tag('code', text(claim.one_fit))}, on which other claims rest too" if claim.one_fit else ""


def _estimate(verdict: Verdict) -> str:
    measured = verdict.estimate
    if measured is None:
        return ""
    value, low, high = interval(measured)
    shown = tag("strong", value) + (f" {text(measured.unit)}" if measured.unit else "")
    if measured.is_exact:
        return f"{shown}, exact"
    how = ", ".join(
        [
            text(f"{measured.level * 100:g} %"),
            f"n = {measured.n}",
            *([text(measured.method)] if measured.method else []),
        ]
    )
    return f"{shown}, {low} to {high} " + tag("span", f"({how})", class_="repro-quiet")
