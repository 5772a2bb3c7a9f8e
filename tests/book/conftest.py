"""The small book, built once for all tests of a file, and a Chromium to read it with."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console
from small_book import make_small_book

from repro.bookkeeping.edition.printed import BROWSERS, QUIET
from repro.cli.book import make_book

# What axe finds in the theme's own markup, by rule and selector: its logo stands outside every landmark, and docutils
# still gives a bibliography's entries the roles of an older standard.
THEIRS = {
    "region": (".only-light", ".only-dark"),
    "aria-allowed-role": ("#id",),
    "aria-deprecated-role": ("#id",),
    "aria-required-children": (".citation-list",),
}


def derived_before(*_places: Path, tell: object) -> None:
    """The small book's chapter lies there already."""


@pytest.fixture(scope="session")
def make():
    """Derive, write and build the book under a folder; gives the folder of the HTML."""
    pytest.importorskip("jupyter_book", reason="building needs the extra `book`")

    def build(root: Path) -> Path:
        return make_book(root, root / "results", console=Console(quiet=True), derive=derived_before) / "html"

    return build


@pytest.fixture(scope="session")
def html(tmp_path_factory, make) -> Path:
    """The folder of the built small book."""
    root = tmp_path_factory.mktemp("built")
    make_small_book(root)
    return make(root)


@pytest.fixture(scope="session")
def browser():
    """A running Chromium; without one the tests are skipped, and say so."""
    playwright = pytest.importorskip("playwright.sync_api", reason="reading needs the extra `dev`")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed, so nobody can open the book")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, html):
    """Opens a page of the book; fails at the end if it asked for anything or complained."""
    contexts, complaints = [], []

    def attend(message):
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def open_page(name, *, width=1400, theme="light", scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", attend)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        if scripts:  # without them Chromium drops scripts that a page preloads, and calls that a failure
            page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("request", lambda r: urlsplit(r.url).scheme in ("file", "data") or complaints.append(f"asked {r.url}"))
        file, mark, rest = name.partition("?") if "?" in name else name.partition("#")
        page.goto(f"{(html / f'{file}.html').as_uri()}{mark}{rest}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [] == complaints


@pytest.fixture(scope="session")
def axe():
    """What Deque's checker, whose script comes with the Python package, finds on a page or within one of its places."""
    checker = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra `dev`").Axe()
    # It would read style sheets over the network, which pages from disk may not, and describe all that passes as well.
    options = {"preload": False, "resultTypes": ["violations"]}
    return lambda page, within=None: checker.run(page, within, options=options).response["violations"]


@pytest.fixture(scope="session")
def ours():
    """Of pairs of rule and selector that axe found, those that are not the theme's."""
    return lambda found: [(rule, where) for rule, where in found if not where.startswith(THEIRS.get(rule, ()))]
