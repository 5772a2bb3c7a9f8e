"""The cover: findings, every claim as one mark, and the figures of the day, with controls apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.display.spelling import ALARM, MEANINGS, SYMBOLS, outcome_class
from repro.bookkeeping.display.states import mark
from repro.bookkeeping.display.telling import told, unmet
from repro.bookkeeping.ledger import Claim, Outcome, is_alarm
from repro.bookkeeping.site import Site
from repro.bookkeeping.site.findings import Finding

HEADLINES = ("supported", "refuted", "open")
SETTLED = (
    "Settled are also claims whose parts differ (mixed), facts settled by citation, and opinions that nothing can test."
)
FINDINGS = "ledger.html?control=no"
APART = ", true by construction (theorems, definitions, known results) and shown so that the rest can be trusted."


def cover(site: Site) -> str:
    """The findings that would surprise most, every claim as one mark, and the figures of the day, controls apart."""
    tally = site.tally()
    total = sum(tally.values())
    settled = sum(count for outcome, count in tally.items() if outcome.settled)
    figures = [("claims", total, FINDINGS), ("settled", settled, f"{FINDINGS}&outcome=settled")]
    figures += [(name, tally[Outcome(name)], f"{FINDINGS}&outcome={name}") for name in HEADLINES]
    shown = (
        tag("li", tag("a", tag("strong", str(count)), tag("span", name), href=href)) for name, count, href in figures
    )
    return block(
        *_findings(site),
        '<section class="repro-today" aria-label="Every claim as one mark">',
        tag("ul", *shown, class_="repro-figures"),
        claims_map(site),
        legend(tally),
        tag("p", text(SETTLED), class_="repro-controls"),
        _controls(site),
        "</section>",
    )


def _findings(site: Site) -> Iterator[str]:
    """Those whose claims still have the outcomes that they speak of."""
    true_now = [one for one in site.findings if not unmet(one.while_, site.verdicts, site.ledger)]
    if true_now:
        lines = (_line(one, site) for one in true_now)
        yield '<section class="repro-findings" aria-label="Findings">'
        yield tag("p", tag("span", "What is believed"), tag("span", "What we measured"), class_="repro-findings-head")
        yield tag("ol", *lines)
        yield "</section>"


def _line(finding: Finding, site: Site) -> str:
    """What is believed, what was measured, and the mark that leads to the ledger's row."""
    claim, verdict = site.ledger[finding.claim], site.verdicts[finding.claim]
    words = told(finding.measured, {}, site.verdicts, site.ledger)
    reach = tag("span", text(str(claim.reach)), class_="repro-quiet") if claim.reach else ""
    return tag(
        "li",
        tag("span", text(finding.believed), class_="repro-believed"),
        tag("span", text(words), class_="repro-measured"),
        tag("span", mark(claim, verdict, href=claim.address), reach, class_="repro-far"),
    )


def claims_map(site: Site) -> str:
    """A mark for each whole claim, coloured and patterned by outcome, each a link to it, in rows by part."""
    rows = []
    for part in site.parts:
        held = {chapter.name for chapter in part.chapters}
        claims = [claim for claim in site.whole_claims if claim.chapter in held and not claim.control]
        ranked = sorted(claims, key=lambda claim: list(SYMBOLS).index(site.verdicts[claim.id].outcome))
        marks = (_mark(claim, site) for claim in ranked)
        tally = {outcome: count for outcome, count in tally_of(claims, site).items() if count}
        spoken = ", ".join(f"{count} {outcome}" for outcome, count in tally.items())
        title = tag("a", text(part.title), href=f"{part.address}.html")
        marked = tag("div", *marks, class_="repro-marks", role="group", aria_label=f"{part.title}: {spoken}")
        rows.append(tag("div", tag("span", title), marked, class_="repro-map-row") if claims else "")
    return tag("div", *(f"\n{row}" for row in rows if row), class_="repro-map")


def _mark(claim: Claim, site: Site) -> str:
    outcome = site.verdicts[claim.id].outcome
    named = f"{outcome}: {claim.says}"
    return tag("a", class_=outcome_class(outcome), href=claim.address, aria_label=named)


def tally_of(claims: Iterable[Claim], site: Site) -> dict[Outcome, int]:
    """How many of the claims have each outcome, in the order in which outcomes are always shown."""
    shown = [site.verdicts[claim.id].outcome for claim in claims]
    return {outcome: shown.count(outcome) for outcome in SYMBOLS}


def _controls(site: Site) -> str:
    """How many controls stand beside the findings, and the alarm if any is refuted; empty where there is none."""
    if not site.controls:
        return ""
    number = len(site.controls)
    link = tag("a", f"{number} control{'s' if number > 1 else ''}", href="ledger.html?control=yes")
    alarms = [claim for claim in site.controls if is_alarm(claim, site.verdicts[claim.id])]
    names = ", ".join(tag("a", text(claim.id), href=claim.address) for claim in alarms)
    told = tag("strong", f" {ALARM} Refuted: ", names, ".", class_="repro-alarm") if alarms else ""
    return tag("p", "Counted apart: ", link, APART, told, class_="repro-controls")


def outcome_bar(tally: dict[Outcome, int]) -> str:
    """All claims as one bar, a segment for each outcome that occurs."""
    total = sum(tally.values()) or 1
    spoken = ", ".join(f"{count} {outcome}" for outcome, count in tally.items() if count)
    segments = (
        tag("span", class_=outcome_class(outcome), style=f"flex-grow: {count}")
        for outcome, count in tally.items()
        if count
    )
    return tag("div", *segments, class_="repro-bar", role="img", aria_label=f"Of {total} claims: {spoken or 'none'}.")


def legend(tally: dict[Outcome, int]) -> str:
    """Outcome, number and link to the filtered ledger; outcomes that do not occur are left out."""
    entries = (
        tag(
            "li",
            tag(
                "a",
                tag("span", SYMBOLS[outcome], class_="repro-symbol", aria_hidden="true"),
                f"{outcome} ",
                tag("span", str(count), class_="repro-quiet"),
                class_=f"repro-chip {outcome_class(outcome)}",
                href=f"{FINDINGS}&outcome={outcome.replace(' ', '+')}",
                title=MEANINGS[outcome],
            ),
        )
        for outcome, count in tally.items()
        if count
    )
    return tag("ul", *entries, class_="repro-legend")
