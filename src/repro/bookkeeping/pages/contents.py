"""The table of contents, and llms.txt."""

from __future__ import annotations

from typing import Any

import yaml

from repro.bookkeeping.display.spelling import interval
from repro.bookkeeping.ledger import Claim, Outcome, Verdict, is_alarm, state
from repro.bookkeeping.site import Site
from repro.bookkeeping.site.shelf import Part


def contents(site: Site) -> str:
    """The book's table of contents, in Jupyter Book's format: parts with their pages, each by its short name."""
    claims = [{"file": chapter.claims_page, "title": chapter.title} for chapter in site.chapters.values()]
    found: list[dict[str, Any]] = [
        {"file": "questions", "title": "What should I believe?"},
        {"file": "ledger", "title": "The ledger", **({"sections": claims} if claims else {})},
        {"file": "calculators", "title": "Calculators"},
    ]
    about = ["method", "glossary", "rerun", "changelog", "bibliography"]
    articles = [{"file": article.page, "title": f"Article {article.letter}"} for article in site.articles]
    captioned: list[dict[str, Any]] = [
        {"caption": "Look up", "chapters": found},
        {"caption": "Read", "chapters": [_entry(part) for part in site.parts]},
        {"caption": "The articles", "chapters": articles},
        {"caption": "The book", "chapters": [{"file": name} for name in about]},
    ]
    toc = {"format": "jb-book", "root": "index", "parts": [one for one in captioned if one["chapters"]]}
    return str(yaml.safe_dump(toc, sort_keys=False, allow_unicode=True, width=1000))


def _entry(part: Part) -> dict[str, Any]:
    sections = [{"file": page.address, "title": page.short} for page in part.pages]
    return {"file": part.address, "title": part.title, **({"sections": sections} if sections else {})}


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
        "## Open claims, with what the data say",
        *(_line(c, site.verdicts[c.id]) for c in site.ledger.values() if site.verdicts[c.id].outcome is Outcome.OPEN),
        "",
        "## Controls, which are true by construction and counted apart",
        *(_line(c, site.verdicts[c.id]) for c in controls),
    ]
    return "\n".join(lines) + "\n"


def _line(claim: Claim, verdict: Verdict) -> str:
    alarm = ", an alarm" if is_alarm(claim, verdict) else ""
    found = ""
    if verdict.estimate:
        value, low, high = interval(verdict.estimate)
        unit = f" {verdict.estimate.unit}".rstrip()
        found = f" {value}{unit}." if verdict.estimate.is_exact else f" {value}{unit}, {low} to {high}."
    leaning = f" ({state(claim, verdict)})" if verdict.outcome is Outcome.OPEN and verdict.estimate else ""
    return f"- {verdict.outcome}{leaning}{alarm}: {' '.join(claim.says.split())}{found} ({claim.id})"


def _pages(site: Site) -> list[tuple[str, str]]:
    fixed = [
        ("What should I believe about ...?", "questions"),
        ("The ledger: every claim", "ledger"),
        ("Method", "method"),
        ("How to rerun", "rerun"),
        ("Calculators", "calculators"),
    ]
    articles = [(f"Article {article.letter}: {article.title}", article.page) for article in site.articles]
    return fixed + articles + [(page.title, page.address) for page in site.pages.values()]
