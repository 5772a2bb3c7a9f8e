"""The book as one PDF, printed page by page by Chromium, and as an ePub."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from repro.bookkeeping.edition.html import TOC, run_jupyter_book

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAME = "measured-again"
CLAIMS = "claims/"  # on paper they would be as long as all the rest, and each stands in the ledger: links go there


class NoBrowserError(RuntimeError):
    """There is no Chromium to print with."""


def find_browser() -> str:
    """The path of a Chromium.

    Raises:
        NoBrowserError: none is installed.
    """
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise NoBrowserError(
            f"the PDF is printed by Chromium, and none of {', '.join(BROWSERS)} is installed; install one "
            "(Debian: apt install chromium), or read the HTML"
        )
    return browser


def build_pdf(book: Path) -> Path:
    """Print every page of book/_build/html and bind them in reading order, with an outline and working links.

    Raises:
        NoBrowserError: there is no Chromium.
    """
    from pypdf import PdfWriter  # of the extra `book`, which the rest of the command line does without

    browser, html = find_browser(), book / "_build" / "html"
    bound, opens_at = PdfWriter(), dict[str, Any]()
    with tempfile.TemporaryDirectory() as scratch:
        for name, title in pages(book):
            if name.startswith(CLAIMS):
                continue
            printed = Path(scratch) / f"{name.replace('/', '-')}.pdf"
            _print(browser, html / f"{name}.html", printed, Path(scratch) / "profile")
            first = len(bound.pages)
            bound.append(printed, outline_item=title, import_outline=False)
            opens_at[f"{name}.html"] = bound.pages[first].indirect_reference
    _turn_links_inside(bound, html, opens_at)
    return _keep(bound, book / "_build" / f"{NAME}.pdf")


def pages(book: Path) -> Iterator[tuple[str, str]]:
    """(page, title) in reading order."""
    toc = yaml.safe_load((book / TOC).read_text(encoding="utf-8"))
    yield toc["root"], "Cover"
    for part in toc["parts"]:
        for entry in part["chapters"]:
            for page in (entry, *entry.get("sections", [])):
                yield page["file"], page.get("title") or page["file"].capitalize()


def _print(browser: str, page: Path, target: Path, profile: Path) -> None:
    waiting = "--virtual-time-budget=10000"  # until MathJax has set the formulas
    command = [browser, *QUIET, waiting, f"--user-data-dir={profile}", "--no-pdf-header-footer"]
    ended = subprocess.run(
        [*command, f"--print-to-pdf={target}", page.as_uri()], capture_output=True, text=True, check=False, timeout=120
    )
    if ended.returncode != 0 or not target.is_file():
        raise RuntimeError(f"{browser} did not print {page} (exit {ended.returncode}): {ended.stderr[-500:]}")


def _turn_links_inside(bound: Any, html: Path, opens_at: dict[str, Any]) -> None:
    """Turn links to pages of the printed folder into links to where the page begins in the PDF."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject

    for page in bound.pages:
        for note in page.get("/Annots", []):
            action = note.get_object().get("/A")
            address = urlsplit(str(action.get("/URI", ""))) if action else None
            if address is None or address.scheme != "file":
                continue
            name = unquote(address.path).removeprefix(f"{html.as_posix()}/")
            name = "ledger.html" if name.startswith(CLAIMS) else name
            if name in opens_at:
                target = ArrayObject([opens_at[name], NameObject("/Fit")])
                inside = DictionaryObject({NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): target})
                note.get_object()[NameObject("/A")] = inside


def _keep(bound: Any, target: Path) -> Path:
    draft = target.with_suffix(".tmp")
    bound.add_metadata({"/Title": "Measured again"})
    bound.write(draft)
    draft.replace(target)
    return target


def build_epub(book: Path) -> Path:
    """The book as an ePub, by Sphinx's own builder."""
    stage = book / "_build" / "epub"
    shutil.rmtree(stage, ignore_errors=True)
    run_jupyter_book(book, stage, ["--builder", "custom", "--custom-builder", "epub"])
    epub = next((stage / "_build" / "epub").glob("*.epub"))
    return epub.replace(book / "_build" / f"{NAME}.epub")
