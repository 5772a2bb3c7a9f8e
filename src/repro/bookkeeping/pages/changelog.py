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
    """Outcomes that turned, newest first, and under them the new ones, folded by day."""
    if not site.changelog:
        return block(tag("p", "No verdict has been recorded yet."))
    newest = list(reversed(site.changelog))
    turned = [change for change in newest if change.before]
    days = dict.fromkeys(change.date for change in newest)
    new = {day: [change for change in newest if change.date == day and not change.before] for day in days}
    folded = (
        tag("details", tag("summary", f"{day}: {len(changes)} new verdicts"), _table(changes, f"New on {day}", site))
        for day, changes in new.items()
        if changes
    )
    first = (
        _table(turned, "Verdicts whose outcome changed", site) if turned else tag("p", "No outcome has changed yet.")
    )
    return block(first, *folded)


def _table(changes: list[Change], caption: str, site: Site) -> str:
    rows = "\n".join(_row(change, site) for change in changes)
    head = "".join(tag("th", word, scope="col") for word in ("Claim", "Before", "Now", "Scale", "Day"))
    table = tag("table", tag("caption", caption), tag("thead", tag("tr", head)), tag("tbody", rows))
    return tag(
        "div",
        tag("div", table, class_="repro-scroll", role="region", tabindex=0, aria_label=caption),
        class_="repro-table",
    )


def _row(change: Change, site: Site) -> str:
    claim = site.ledger.get(change.claim)
    shown = tag("a", text(claim.says), href=claim.address) if claim else text(change.claim)
    before = chip(Outcome(change.before)) if change.before else tag("span", "new", class_="repro-quiet")
    return tag(
        "tr",
        tag("th", shown, scope="row"),
        tag("td", before),
        tag("td", chip(Outcome(change.after))),
        tag("td", text(change.scale)),
        tag("td", change.date),
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
    address = claim.address if claim else "ledger.html"  # a claim may have left the ledger since
    _field(item, "link", f"{site.address}{address}")
    _field(item, "description", f"{claim.says if claim else change.claim} (scale {change.scale})")
    _field(item, "category", change.chapter)
    guid = ElementTree.SubElement(item, "guid", {"isPermaLink": "false"})
    guid.text = f"{change.date}/{change.claim}/{change.scale}/{change.after}"
    _field(item, "pubDate", _rfc822(change.date))


def _field(parent: ElementTree.Element, name: str, words: str) -> None:
    ElementTree.SubElement(parent, name).text = UNPRINTABLE.sub("\ufffd", words)


def _rfc822(date: str) -> str:
    return format_datetime(datetime.fromisoformat(date).replace(tzinfo=UTC))
