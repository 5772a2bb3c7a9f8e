"""The cover's figures of the day: how many findings, how many settled, and which way, with controls apart."""

from __future__ import annotations

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.display.spelling import ALARM, MEANINGS, SYMBOLS, outcome_class
from repro.bookkeeping.ledger import Outcome, is_alarm
from repro.bookkeeping.pages.site import Site

HEADLINES = ("supported", "refuted", "open")
FINDINGS = "ledger.html?control=no"
APART = ", true by construction (theorems, definitions, known results) and shown so that the rest can be trusted."


def cover(site: Site) -> str:
    """Large figures, a bar of the findings by outcome, its legend, which opens the ledger filtered, and controls."""
    tally = site.tally()
    total = sum(tally.values())
    settled = sum(count for outcome, count in tally.items() if outcome.settled)
    figures = [("claims", total, FINDINGS), ("settled", settled, f"{FINDINGS}&outcome=settled")]
    figures += [(name, tally[Outcome(name)], f"{FINDINGS}&outcome={name}") for name in HEADLINES]
    shown = (
        tag("li", tag("a", tag("strong", str(count)), tag("span", name), href=href)) for name, count, href in figures
    )
    return block(
        '<section class="repro-today" aria-label="Figures of the day">',
        tag("ul", *shown, class_="repro-figures"),
        outcome_bar(tally),
        legend(tally),
        _controls(site),
        "</section>",
    )


def _controls(site: Site) -> str:
    """How many controls stand beside the findings, and the alarm if any is refuted; empty where there is none."""
    if not site.controls:
        return ""
    number = len(site.controls)
    link = tag("a", f"{number} control{'s' if number > 1 else ''}", href="ledger.html?control=yes")
    alarms = [claim for claim in site.controls if is_alarm(claim, site.verdicts[claim.id])]
    names = ", ".join(tag("a", text(claim.id), href=f"ledger.html#{claim.anchor}") for claim in alarms)
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
