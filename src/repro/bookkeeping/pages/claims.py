"""A page for each chapter's claims: under each claim's own address all that is known of it.

One page holds a chapter, and not one a claim: a page of its own for each of a thousand claims would repeat the frame of
the book a thousand times, which is most of its bytes and of Sphinx's time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape

from repro.bookkeeping.display.elements import block, markdown, tag, text
from repro.bookkeeping.display.facts import UP, facts
from repro.bookkeeping.display.spelling import estimate
from repro.bookkeeping.display.states import certainty, mark, reason
from repro.bookkeeping.display.strip import strip
from repro.bookkeeping.ledger import Claim, Verdict
from repro.bookkeeping.pages.history import history
from repro.bookkeeping.site import Site
from repro.bookkeeping.site.articles import Article
from repro.bookkeeping.site.shelf import Chapter

OURS = "No sentence of it is quoted here; the words above are ours."
FRAME = "---\nhtml_theme.sidebar_secondary.remove: true\n---"


def claims_page(chapter: Chapter, site: Site) -> str:
    """The page as Markdown, whose headings are the claims, so that a search for their words leads to them."""
    whole = [claim for claim in site.whole_claims if claim.chapter == chapter.name]
    pages = ", ".join(f"[{markdown(page.short)}]({UP}{page.address}.ipynb)" for page in chapter.pages)
    about = f"All that is known of each claim, with its history. [The ledger]({UP}ledger.md) has those of all chapters."
    lines = [FRAME, f"# {markdown(chapter.title)}: its claims", f"{about} Pages: {pages}." if pages else about]
    for claim in whole:
        lines += [f"## {markdown(claim.says)}", claim_entry(claim, site)]
        for part in site.parts_of(claim):
            lines += [f"### {markdown(part.says)}", claim_entry(part, site)]
    return "\n\n".join(lines) + "\n"


def claim_entry(claim: Claim, site: Site) -> str:
    """What stands under a claim: verdict, who says it in which words, what it rests on, history, records, command."""
    verdict = site.verdicts[claim.id]
    found = tag("span", estimate(verdict.estimate), class_="repro-found") if verdict.estimate else ""
    link = tag("a", text(claim.id), class_="repro-id", href=f"#{claim.anchor}", aria_label="Link to this claim")
    lines = _lines(claim, verdict, site, found, link)
    return block(tag("div", *(f"\n{line}" for line in lines if line), "\n", class_="repro-claim", id=claim.anchor))


def _lines(claim: Claim, verdict: Verdict, site: Site, found: str, link: str) -> Iterator[str]:
    yield tag("p", mark(claim, verdict), certainty(claim), found, link, class_="repro-claim-head")
    yield tag("p", text(reason(claim, verdict)), class_="repro-card-reason")
    yield said(claim, site)
    yield strip(claim, verdict.estimate) if verdict.estimate else ""
    yield facts(claim, verdict)
    for name, shown in (("History", history(claim, site)), ("Records", _records(verdict, site)), *_links(claim, site)):
        yield f"{tag('p', name, class_='repro-claim-about')}{shown}" if shown else ""
    yield _again(claim, verdict, site)


def said(claim: Claim, site: Site) -> str:
    """Each article that says it, under which heading, and its own words where they are quoted."""
    entries = (tag("li", _said_by(article, claim)) for article in site.articles if article.letter in claim.said_by)
    listed = "".join(entries)
    return tag("ul", listed, class_="repro-said") if listed else ""


def _said_by(article: Article, claim: Claim) -> str:
    link = tag("a", f"Article {article.letter}", href=f"{UP}{article.page}.html#{claim.anchor}")
    place = f", under {text(article.section_of(claim.id).split(' / ')[-1])}: "
    words = article.words.get(claim.id)
    return link + place + (own_words(words) if words else tag("span", OURS, class_="repro-quiet"))


def own_words(words: str) -> str:
    """A quotation; its formulas, which the articles write in TeX, in italics."""
    plain = escape(words, quote=False)
    formulas = re.sub(r"\$([^$]+)\$|\\\((.+?)\\\)", lambda found: tag("em", found[1] or found[2]), plain)
    return tag("q", formulas.replace("\\times", "×"))


def _records(verdict: Verdict, site: Site) -> str:
    """The trials that the verdict's page reads, if it is derived at the verdict's scale."""
    page = site.pages.get(verdict.notebook)
    if page is None or page.origin.scale != str(verdict.scale) or not page.origin.records:
        return ""
    folders = ", ".join(f"{tag('code', f'results/records/{name}')} ({count})" for name, count in page.origin.records)
    commits = page.origin.commits.split(", ")
    more = f" and {len(commits) - 3} more" if len(commits) > 3 else ""
    made = f", made {page.origin.dates} at commit {', '.join(commits[:3])}{more}" if page.origin.commits else ""
    return tag("p", f"Its page reads {sum(count for _, count in page.origin.records)} trials{text(made)}: {folders}.")


def _links(claim: Claim, site: Site) -> Iterator[tuple[str, str]]:
    whole = [site.ledger[claim.part_of]] if claim.part_of else []
    against = [site.ledger[name] for name in claim.contradicts]
    for name, others in (("A part of", whole), ("Cannot hold together with", against)):
        links = (tag("li", tag("a", text(one.says), href=f"{UP}{one.address}")) for one in others)
        yield name, tag("ul", *links) if others else ""


def _again(claim: Claim, verdict: Verdict, site: Site) -> str:
    """The card with its figures and tables, and the command that measures again."""
    card = site.card_of(claim)
    if card is None:
        return ""
    page, anchor = card
    scale = verdict.scale or claim.needs
    command = f"repro run {page.notebook}" + (f" --scale {scale}" if scale else "")
    link = tag("a", text(page.title), href=f"{UP}{page.address}.html#{anchor}")
    return tag("p", "How it was measured: ", link, ". To measure it again: ", tag("code", text(command)), ".")


def claims_script(site: Site) -> str:
    """The claims for the search page, as a script: a page read from disk may read no other file."""
    rows = [
        [claim.id, claim.says, str(site.verdicts[claim.id].outcome), claim.address] for claim in site.ledger.values()
    ]
    return f"window.reproClaims = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n"
