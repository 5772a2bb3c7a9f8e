"""Every link inside the book leads somewhere, and no page asks the network for anything."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}


class Page(HTMLParser):
    """A page's ids, links, and addresses that a browser would load by itself."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        for name, value in attrs:
            if (tag, name) in LOADED and value:
                self.loads.append(value)


@pytest.fixture(scope="module")
def pages(html) -> dict[Path, Page]:
    found = [path for path in html.rglob("*.html") if "_static" not in path.relative_to(html).parts]
    return {path: Page(path) for path in found}


def test_every_link_inside_the_book_leads_somewhere(pages):
    """To a file that is there, and on a page to a place that is there."""
    broken = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            known = target in pages and unquote(address.fragment) in ["", *pages[target].ids]
            if not (known or (target.is_file() and target not in pages)):
                broken.append(f"{path.name}: {link}")

    assert [] == [link for link in broken if not link.endswith("#")]


def test_no_page_loads_anything_from_elsewhere(pages):
    """A reader's browser asks no server, so the book works from disk and tells nobody that it is read."""
    assert [] == [
        (path.name, address)
        for path, page in pages.items()
        for address in page.loads
        if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc
    ]


def test_no_page_has_an_id_twice(pages):
    twice = {path.name: sorted({i for i in page.ids if page.ids.count(i) > 1}) for path, page in pages.items()}

    assert {} == {name: ids for name, ids in twice.items() if [i for i in ids if i.startswith(("claim-", "small-"))]}


def test_what_no_reader_needs_is_left_out(html):
    """Source maps, and the live kernels that the theme would ask a server for."""
    assert [] == list(html.rglob("*.map"))
    assert [] == [page.name for page in html.glob("*.html") if "thebe@" in page.read_text(encoding="utf-8")]


def test_the_feed_is_announced_on_every_page(pages, html):
    for path, page in pages.items():
        assert any((path.parent / address).resolve() == html / "feed.xml" for address in page.loads)
