"""The changelog of verdicts, as a page and as an RSS feed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree

from repro.bookkeeping.display.elements import block, tag, text
from repro.bookkeeping.display.spelling import chip
from repro.bookkeeping.ledger import Outcome
from repro.bookkeeping.ledger.verdict_files import Change
from repro.bookkeeping.site import Site

TITLE = "Measured again: verdicts"
UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what no XML may hold
FEED_LENGTH = 100  # the newest changes; the page lists all


def changelog(site: Site) -> str:
    """Every change of an outcome, newest day first."""
    if not site.changelog:
        return block(tag("p", "No verdict has been recorded yet."))
    days = sorted({change.date for change in site.changelog}, reverse=True)
    return block(*(_day(day, [c for c in site.changelog if c.date == day], site) for day in days))


def _day(day: str, changes: list[Change], site: Site) -> str:
    rows = "\n".join(_row(change, site) for change in changes)
    head = "".join(tag("th", word, scope="col") for word in ("Claim", "Before", "Now", "Scale"))
    table = tag("table", tag("caption", day), tag("thead", tag("tr", head)), tag("tbody", rows))
    return tag(
        "div",
        tag("div", table, class_="repro-scroll", role="region", tabindex=0, aria_label=f"Verdicts of {day}"),
        class_="repro-table",
    )


def _row(change: Change, site: Site) -> str:
    claim = site.ledger.get(change.claim)
    shown = tag("a", text(claim.says), href=f"ledger.html#{claim.anchor}") if claim else text(change.claim)
    before = chip(Outcome(change.before)) if change.before else tag("span", "new", class_="repro-quiet")
    return tag(
        "tr",
        tag("th", shown, scope="row"),
        tag("td", before),
        tag("td", chip(Outcome(change.after))),
        tag("td", text(change.scale)),
    )


def feed(site: Site) -> str:
    """The newest changes as RSS 2.0; links are relative where the book has no public address."""
    rss = ElementTree.Element("rss", {"version": "2.0"})
    channel = ElementTree.SubElement(rss, "channel")
    _field(channel, "title", TITLE)
    _field(channel, "link", f"{site.address}changelog.html")
    _field(channel, "description", "Each verdict on a claim about large language models that is new or has changed.")
    newest = list(reversed(site.changelog))[:FEED_LENGTH]
    if newest:
        _field(channel, "lastBuildDate", _rfc822(newest[0].date))
    for change in newest:
        _item(channel, change, site)
    ElementTree.indent(rss)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(rss, encoding="unicode") + "\n"


def _item(channel: ElementTree.Element, change: Change, site: Site) -> None:
    claim = site.ledger.get(change.claim)
    was = f", was {change.before}" if change.before else ""
    item = ElementTree.SubElement(channel, "item")
    _field(item, "title", f"{change.claim}: {change.after}{was}")
    row = f"#{claim.anchor}" if claim else ""  # a claim may have left the ledger since
    _field(item, "link", f"{site.address}ledger.html{row}")
    _field(item, "description", f"{claim.says if claim else change.claim} (scale {change.scale})")
    _field(item, "category", change.chapter)
    guid = ElementTree.SubElement(item, "guid", {"isPermaLink": "false"})
    guid.text = f"{change.date}/{change.claim}/{change.scale}/{change.after}"
    _field(item, "pubDate", _rfc822(change.date))


def _field(parent: ElementTree.Element, name: str, words: str) -> None:
    ElementTree.SubElement(parent, name).text = UNPRINTABLE.sub("\ufffd", words)


def _rfc822(date: str) -> str:
    return format_datetime(datetime.fromisoformat(date).replace(tzinfo=UTC))
