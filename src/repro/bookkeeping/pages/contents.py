"""The table of contents, the list of chapters that are still to come, and llms.txt."""

from __future__ import annotations

import yaml

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.ledger import Claim, Verdict, is_alarm
from repro.bookkeeping.pages.site import Site


def contents(site: Site) -> str:
    """The book's table of contents, in Jupyter Book's format; chapters are those that have a page."""
    articles = [{"file": article.page, "title": f"Article {article.letter}"} for article in site.articles]
    pages = [{"file": page.address, "title": page.title} for c in site.chapters.values() for page in c.pages]
    to_come = {"file": "chapters-to-come", "title": "Chapters to come" if pages else "Every chapter is to come"}
    about = ["method", "rerun", "calculators", "changelog", "bibliography"]
    parts = [
        {"caption": "Claims", "chapters": [{"file": "ledger", "title": "The ledger"}, *articles]},
        {"caption": "Chapters", "chapters": [*pages, to_come]},
        {"caption": "The book", "chapters": [{"file": name} for name in about]},
    ]
    toc = {"format": "jb-book", "root": "index", "parts": parts}
    return str(yaml.safe_dump(toc, sort_keys=False, allow_unicode=True, width=1000))


def chapters_to_come(site: Site) -> str:
    """Chapters without a page, each with the number of its claims and a link to them."""
    waiting = [chapter for chapter in site.chapters.values() if not chapter.pages]
    if not waiting:
        return block(tag("p", "Every chapter has been written."))
    counts = {chapter.name: sum(c.chapter == chapter.name for c in site.whole_claims) for chapter in waiting}
    entries = (
        tag(
            "li",
            tag("a", text(chapter.title), href=f"ledger.html?chapter={chapter.name}"),
            tag("span", f" {counts[chapter.name]} claims", class_="repro-quiet"),
        )
        for chapter in waiting
    )
    total = f"{len(waiting)} chapters, {sum(counts.values())} claims."
    return block(tag("p", total), tag("ul", *entries, class_="repro-chapters"))


def llms_txt(site: Site) -> str:
    """The book for programs that read: what it is, how many claims, and every verdict that was reached."""
    settled = [c for c in site.ledger.values() if site.verdicts[c.id].outcome.settled]
    findings, controls = [c for c in settled if not c.control], [c for c in settled if c.control]
    lines = [
        "# Measured again",
        "",
        f"> {sum(site.tally().values())} claims about large language models, each checked by an experiment that anyone "
        "can rerun. A verdict compares a 99 % interval with a region that was stated beforehand.",
        "",
        "## Pages",
        *(f"- [{name}]({site.address}{page}.html)" for name, page in _pages(site)),
        "",
        "## Settled claims",
        *(_line(c, site.verdicts[c.id]) for c in findings),
        "",
        "## Controls, which are true by construction and counted apart",
        *(_line(c, site.verdicts[c.id]) for c in controls),
    ]
    return "\n".join(lines) + "\n"


def _line(claim: Claim, verdict: Verdict) -> str:
    alarm = ", an alarm" if is_alarm(claim, verdict) else ""
    return f"- {verdict.outcome}{alarm}: {' '.join(claim.says.split())} ({claim.id})"


def _pages(site: Site) -> list[tuple[str, str]]:
    fixed = [
        ("The ledger: every claim", "ledger"),
        ("Method", "method"),
        ("How to rerun", "rerun"),
        ("Calculators", "calculators"),
    ]
    articles = [(f"Article {article.letter}: {article.title}", article.page) for article in site.articles]
    return fixed + articles + [(p.title, p.address) for c in site.chapters.values() for p in c.pages]
