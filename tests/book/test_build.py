"""Building: quick when nothing changed, whole or not at all, and never a picture without words."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from small_book import make_small_book

from repro.bookkeeping.edition import html as edition
from repro.bookkeeping.edition import printed
from repro.bookkeeping.edition.html import BookNotBuiltError, build_html


@pytest.fixture
def root(html, tmp_path) -> Path:
    """The built small book in a folder of the test's own, with the times of its files."""
    shutil.copytree(html.parents[2], tmp_path / "own", copy_function=shutil.copy2)
    return tmp_path / "own"


def written(html: Path) -> dict[str, int]:
    return {path.relative_to(html).as_posix(): path.stat().st_mtime_ns for path in html.rglob("*.html")}


def test_a_second_build_does_not_start_sphinx(root, monkeypatch):
    def refuse(*_words):
        raise AssertionError("Sphinx was started")

    monkeypatch.setattr(edition, "run_jupyter_book", refuse)

    assert build_html(root / "book") is False


@pytest.fixture(scope="module")
def retitled(html, make, tmp_path_factory) -> Path:
    """The small book in a folder of its own, built there once more, after the title of its chapter has changed."""
    root = tmp_path_factory.mktemp("retitled") / "own"
    shutil.copytree(html.parents[2], root, copy_function=shutil.copy2)
    rewrite(root / "book" / "chapters" / "small.ipynb", "How fast does loss fall?", "How slowly does loss fall?")
    make(root)
    return root


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_changed_title_reaches_the_side_bar_of_every_page(retitled):
    """Sphinx alone would leave it stale on the pages that it does not rebuild."""
    for name in ("index.html", "ledger.html", "articles/a.html"):
        assert "How slowly does loss fall?" in (retitled / "book" / "_build" / "html" / name).read_text()


def test_one_changed_notebook_rebuilds_one_page(retitled, make):
    """Read from the times of the pages that Sphinx wrote."""
    [stage] = retitled.glob("book/_build/stage-*/_build/html")
    before = written(stage)
    rewrite(retitled / "book" / "chapters" / "small.ipynb", "nobody has seen", "nobody has measured")

    html = make(retitled)
    changed = {name for name, time in written(stage).items() if before.get(name) != time}

    assert "nobody has measured" in (html / "chapters" / "small.html").read_text()
    # Sphinx writes those anew too that list its contents, cover and part, and two pages that have no source.
    assert {"chapters/small.html"} == changed - {"index.html", "parts/planning.html", "genindex.html", "search.html"}


# As HTML, as inline SVG, and as what a notebook stores of a plain matplotlib figure.
MUTE = [
    ({"text/html": "<p><img src='a.png'></p>"}, "<img src='a.png'> has no alt"),
    ({"text/html": '<figure><svg viewBox="0 0 1 1"></svg></figure>'}, "<svg> has no role=img with an aria-label"),
    ({"image/png": "iVBORw0KGgo="}, ".png' has no alternative text"),
]


def test_a_build_that_fails_names_every_fault_and_leaves_the_published_book(root, make):
    """A link that leads nowhere and pictures without words; and the next build starts anew, or they would be missed."""
    html = root / "book" / "_build" / "html"
    before = {path: path.read_bytes() for path in html.rglob("*") if path.is_file()}
    method, page = root / "book" / "method.md", root / "book" / "chapters" / "small.ipynb"
    whole, notebook = method.read_text(), page.read_text()
    method.write_text(whole + "\n[a page](that-is-nowhere.md)\n\n![](_static/logo.svg)\n")
    mute = json.loads(notebook)
    mute["cells"][1]["outputs"] = [{"output_type": "display_data", "data": d, "metadata": {}} for d, _ in MUTE]
    page.write_text(json.dumps(mute))
    for _ in range(2):
        with pytest.raises(BookNotBuiltError) as failed:
            make(root)
        complaints = ["that-is-nowhere", "logo.svg' has no alternative text", *(complaint for _, complaint in MUTE)]
        assert [] == [complaint for complaint in complaints if complaint not in str(failed.value)]
        assert before == {path: path.read_bytes() for path in html.rglob("*") if path.is_file()}

    method.write_text(whole + "\nRepaired.\n")
    page.write_text(notebook)

    assert "Repaired." in (make(root) / "method.html").read_text()


def test_a_build_that_is_killed_is_not_taken_for_a_whole_one(root, make):
    """Killed while Sphinx writes: the published book is as before, and the half-written stage is thrown away."""
    built = root / "book" / "_build"
    [stage] = built.glob("stage-*")
    method = root / "book" / "method.md"
    method.write_text(method.read_text() + "\nOne more sentence.\n")
    imports = "from pathlib import Path; from repro.bookkeeping.edition.html import build_html"
    command = [sys.executable, "-c", f"{imports}; build_html(Path({str(root / 'book')!r}))"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    building = subprocess.Popen(command, env=environment, start_new_session=True)
    while (stage / "ended-well").exists() and building.poll() is None:
        time.sleep(0.01)
    os.killpg(building.pid, signal.SIGKILL)
    building.wait()

    assert "One more sentence." not in (built / "html" / "method.html").read_text()
    assert "One more sentence." in (make(root) / "method.html").read_text()
    assert not stage.exists()


def test_an_interrupted_publication_is_made_good(root, make, monkeypatch):
    """Killed between its two renames, the only moment without a published book; Sphinx had ended well by then."""
    built = root / "book" / "_build"
    (built / "html").rename(built / "html.old")
    (built / "html.new").mkdir()
    monkeypatch.setattr(edition, "run_jupyter_book", lambda book, stage: None)

    html = make(root)

    assert (html / "index.html").is_file()
    assert {"html", "html.sha256", "stage"} == {path.name.split("-")[0] for path in built.iterdir()}


def test_the_epub_holds_well_formed_pages_with_formulas_and_links_of_its_own(root):
    with zipfile.ZipFile(printed.build_epub(root / "book")) as book:
        pages = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xhtml")}
    read = [ElementTree.fromstring(page.replace("<!DOCTYPE html>", "")) for page in pages.values()]
    pictures = [element.tag for page in read for element in page.iter() if element.tag.endswith("}svg")]

    assert {"{http://www.w3.org/2000/svg}svg"} == set(pictures)
    assert "<math" in pages["chapters/small.xhtml"]
    assert 'href="../claims/scaling-chinchilla.xhtml#claim-loss-falls-as-a-power"' in pages["articles/a.xhtml"]


@pytest.mark.slow
@pytest.mark.browser
def test_the_pdf_has_an_outline_and_its_links_stay_inside(root, browser):
    pypdf = pytest.importorskip("pypdf", reason="binding needs the extra `book`")
    bound = pypdf.PdfReader(printed.build_pdf(root / "book"))
    actions = [a.get_object().get("/A", {}) for page in bound.pages for a in page.get("/Annots", [])]

    assert ["Cover", "What should I believe?", "The ledger"] == [entry.title for entry in bound.outline][:3]
    assert "How fast does loss fall?" in [entry.title for entry in bound.outline]
    assert "/GoTo" in {action.get("/S") for action in actions}
    assert [] == [a["/URI"] for a in actions if re.match(r"file:.*\.html", str(a.get("/URI", "")))]


def test_without_chromium_the_pdf_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(printed.NoBrowserError, match="apt install chromium"):
        printed.find_browser()


def test_sources_of_the_small_book_are_those_of_the_book(tmp_path):
    """What these tests build is what readers get, but for ledger and chapters."""
    book = make_small_book(tmp_path)

    assert {"_config.yml", "index.md", "ledger.md", "references.bib"} <= {path.name for path in book.iterdir()}
