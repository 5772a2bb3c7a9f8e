"""What should I believe about ...?: an index by practical question, and a page for each part of the book."""

from __future__ import annotations

from repro.bookkeeping.display.elements import block, markdown, tag, text
from repro.bookkeeping.display.spelling import estimate
from repro.bookkeeping.display.states import mark, reason
from repro.bookkeeping.ledger import Claim, Outcome
from repro.bookkeeping.pages.cover import outcome_bar, tally_of
from repro.bookkeeping.site import Site
from repro.bookkeeping.site.findings import Question
from repro.bookkeeping.site.shelf import Page, Part

UP = "../"


def questions(site: Site) -> str:
    """The questions by heading, each with the verdicts that answer it and the pages that measured."""
    lines: list[str] = []
    for heading in dict.fromkeys(question.heading for question in site.questions):
        asked = [question for question in site.questions if question.heading == heading]
        lines += [f"## {markdown(heading)}", "", block(*(_answer(question, site) for question in asked)), ""]
    return "\n".join(lines)


def _answer(question: Question, site: Site) -> str:
    claims = [site.ledger[name] for name in question.claims]
    pages = dict.fromkeys(card[0] for claim in claims if (card := site.card_of(claim)))
    links = ", ".join(tag("a", text(page.short), href=f"{page.address}.html") for page in pages)
    if all(site.verdicts[claim.id].outcome is Outcome.UNTESTED for claim in claims):
        return tag("section", tag("h3", text(question.asks)), tag("p", "Not measured yet."), class_="repro-asked")
    entries = tag("ul", *(_entry(claim, site) for claim in claims), class_="repro-claims")
    read = tag("p", "Read: ", links, class_="repro-meta") if links else ""
    return tag("section", tag("h3", text(question.asks)), entries, read, class_="repro-asked")


def _entry(claim: Claim, site: Site) -> str:
    verdict, card = site.verdicts[claim.id], site.card_of(claim)
    where = f"{card[0].address}.html#{card[1]}" if card else claim.address
    found = estimate(verdict.estimate) if verdict.estimate else ""
    told = text(reason(claim, verdict)) if verdict.outcome is Outcome.OPEN else ""
    reach = text(f"Carries to {claim.reach}.") if claim.reach and verdict.estimate else ""
    about = (tag("span", words, class_="repro-found") for words in (found, f"{told} {reach}".strip()) if words)
    return tag("li", tag("span", mark(claim, verdict)), tag("div", tag("a", text(claim.says), href=where), *about))


def part_page(part: Part, site: Site) -> str:
    """A part's page: what it is about, its pages with the outcomes of their claims, and what is still to come."""
    waiting = [chapter for chapter in part.chapters if not chapter.pages]
    lines = [f"# {markdown(part.title)}", "", markdown(part.about), ""]
    if part.pages:
        rows = tag("ul", *(_listed(page, site) for page in part.pages), class_="repro-pages")
        lines += [block(rows), ""]
    if waiting:
        counts = (sum(c.chapter == chapter.name for c in site.whole_claims) for chapter in waiting)
        entries = (
            tag(
                "li", tag("a", text(f"{chapter.title}: {count} claims"), href=f"{UP}ledger.html?chapter={chapter.name}")
            )
            for chapter, count in zip(waiting, counts, strict=True)
        )
        lines += ["## Not measured yet", "", block(tag("ul", *entries, class_="repro-chapters")), ""]
    return "\n".join(lines)


def _listed(page: Page, site: Site) -> str:
    claims = [claim for claim in site.ledger.values() if claim.anchor in page.anchors and not claim.control]
    link = tag("a", text(page.title), href=f"{UP}{page.address}.html")
    return tag("li", link, outcome_bar(tally_of(claims, site)) if claims else "")
