"""Where a figure comes from: plain words in which each paper that is named by a number is a link to it."""

from __future__ import annotations

import re

from repro.bookkeeping.display.elements import tag, text

# arXiv:2305.13245, the further numbers of a list that began so (", 2203.15556"), DOIs, and whole addresses.
PAPER = re.compile(
    r"(?P<arxiv>arXiv:(?P<first>\d{4}\.\d{4,5}|[a-z-]+/\d{7}))(?:v\d+)?"
    r"|(?<=, )(?P<next>\d{4}\.\d{5})(?![\d.])"
    r"|(?:doi:\s?|https://doi\.org/)?(?P<doi>10\.\d{4,9}/[^\s,;<>)]*[^\s,;<>).])"
    r"|(?P<address>https?://[^\s,;<>)]*[^\s,;<>).])"
)


def linked(words: str) -> str:
    """Plain words as HTML, as `text` sets them, with links to arXiv, to DOIs and to the addresses that they spell."""
    return PAPER.sub(_link, text(words))


def _link(found: re.Match[str]) -> str:
    number = found["first"] or found["next"]
    if found["next"] and "arXiv:" not in found.string[: found.start()]:
        return found[0]
    if number:
        return tag("a", found[0], href=f"https://arxiv.org/abs/{number}")
    return (
        tag("a", found[0], href=f"https://doi.org/{found['doi']}")
        if found["doi"]
        else tag("a", found[0], href=found[0])
    )
