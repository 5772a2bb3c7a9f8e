"""The book in the Firefox that is installed: what other engines may see otherwise, and what a reader does first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from installed_firefox import NAMES, running

pytestmark = pytest.mark.browser

PAGES = ("index", "ledger", "articles/a", "chapters/small", "claims/scaling-chinchilla", "calculators")
FOUND = "(found) => found.violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => [id, String(target[0])]))"
SHOWN = "[...document.querySelectorAll('tbody tr')].filter((row) => row.offsetParent).map((row) => row.id)"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed (Debian: apt install firefox-esr)")
    with running(found, tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture
def opened(firefox, html):
    """Opens a page of the book; fails at the end if it asked for anything or complained."""

    def open_page(name, **how):
        file, mark, rest = name.partition("?") if "?" in name else name.partition("#")
        firefox.open(f"{(html / f'{file}.html').as_uri()}{mark}{rest}", **how)
        return firefox

    firefox.complaints.clear()
    yield open_page
    assert [] == firefox.complaints


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_a_desk_and_axe_finds_nothing_of_our_making(opened, ours, name):
    axe = pytest.importorskip("axe_playwright_python", reason="needs the extra `dev`")
    checker = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    for width, theme in ((390, "dark"), (1400, "light")):
        page = opened(name, width=width)
        page.run(f"document.documentElement.dataset.theme = '{theme}'")
        assert page.run("document.documentElement.scrollWidth") <= width

        page.run(f"(() => {{ {checker} }})()")
        found = page.run(f"axe.run(document, {{ preload: false, resultTypes: ['violations'] }}).then({FOUND})")
        assert [] == ours(found), width


def test_the_ledger_filters_by_its_address(opened):
    assert ["claim-loss-falls-as-a-logarithm", "claim-split-late"] == opened("ledger?outcome=refuted").run(SHOWN)


def test_a_link_to_a_claim_opens_its_card_and_a_key_does(opened):
    page = opened("chapters/small#claim-split-late")
    assert page.run("document.getElementById('claim-split-late').closest('details').open")

    page.run("document.querySelector('.repro-card summary').focus()")
    page.press("\ue007")  # Enter
    assert page.run("document.querySelector('.repro-card details').open")


def test_search_finds_a_claim_by_its_words_from_disk(opened):
    page = opened("search?q=logarithm")
    found = "document.querySelector('.repro-found-claims a')?.getAttribute('href')"

    assert "claims/scaling-chinchilla.html#claim-loss-falls-as-a-logarithm" == page.run(
        f"new Promise((done) => {{ const look = () => ({found}) ? done({found}) : setTimeout(look, 50); look(); }})"
    )
