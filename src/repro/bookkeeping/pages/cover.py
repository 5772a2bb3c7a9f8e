"""The cover's figures of the day: how many claims, how many settled, and which way."""

from __future__ import annotations

from repro.bookkeeping.display.elements import block, tag
from repro.bookkeeping.display.spelling import MEANINGS, SYMBOLS, outcome_class
from repro.bookkeeping.ledger import Outcome
from repro.bookkeeping.pages.site import Site

HEADLINES = ("supported", "refuted", "open")


def cover(site: Site) -> str:
    """Large figures, a bar of all claims by outcome, and its legend, whose entries open the ledger filtered."""
    tally = site.tally()
    total = sum(tally.values())
    settled = sum(count for outcome, count in tally.items() if outcome.settled)
    figures = [("claims", total, "ledger.html"), ("settled", settled, "ledger.html?outcome=settled")]
    figures += [(name, tally[Outcome(name)], f"ledger.html?outcome={name}") for name in HEADLINES]
    shown = (
        tag("li", tag("a", tag("strong", str(count)), tag("span", name), href=href)) for name, count, href in figures
    )
    return block(
        '<section class="repro-today" aria-label="Figures of the day">',
        tag("ul", *shown, class_="repro-figures"),
        outcome_bar(tally),
        legend(tally),
        "</section>",
    )


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
                href=f"ledger.html?outcome={outcome.replace(' ', '+')}",
                title=MEANINGS[outcome],
            ),
        )
        for outcome, count in tally.items()
        if count
    )
    return tag("ul", *entries, class_="repro-legend")
