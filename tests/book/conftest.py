"""The small book, built once for all tests of a file, and a Chromium to read it with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console
from small_book import make_small_book

from repro.cli.book import make_book
from repro.cli.print_editions import BROWSERS, QUIET


def derived_before(*_places: Path, told: object) -> None:
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
