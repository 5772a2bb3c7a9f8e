"""`repro book`: chapters derived, pages written, HTML built; on request a PDF and an ePub."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from repro.bookkeeping.chapters import Failed, derive_pages
from repro.bookkeeping.display.elements import embedded
from repro.bookkeeping.edition.html import BookNotBuiltError, build_html
from repro.bookkeeping.edition.printed import NoBrowserError, build_epub, build_pdf, find_browser
from repro.bookkeeping.ledger import region_changes
from repro.bookkeeping.pages import write_pages
from repro.bookkeeping.site import gather
from repro.cli.commands import refusing
from repro.corpora.vocabularies.ours import for_pages
from repro.floor import places
from repro.sizing.catalogue import catalogue

CATALOGUE = "_generated/catalogue.md"  # what the calculators read: the published models
VOCABULARIES = "_generated/vocabularies.md"  # and small vocabularies of our own
Deriver = Callable[..., object]


def book(
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print it as one PDF; needs Chromium.")] = False,
    epub: Annotated[bool, typer.Option("--epub", help="Also as an ePub.")] = False,
) -> None:
    """Build the book: derive every chapter from notebook and records, then its pages.

    What has not changed is not built again. Missing records are computed at smoke scale, never more. A build that is
    interrupted leaves the published book as it was.
    """
    console = Console(markup=False)
    with refusing(BookNotBuiltError, NoBrowserError, Failed, ValueError, FileNotFoundError):
        if pdf:
            find_browser()  # before the minutes that the rest may take
        built = make_book(places.root(), places.results(), console=console)
        editions = [built / "html" / "index.html"]
        if pdf:
            with timed(console, "PDF"):
                editions.append(build_pdf(built.parent))
        if epub:
            with timed(console, "ePub"):
                editions.append(build_epub(built.parent))
    for edition in editions:
        console.print(f"{edition}\n  open {edition.as_uri()}", soft_wrap=True, highlight=False)


def make_book(root: Path, results: Path, *, console: Console, derive: Deriver = derive_pages) -> Path:
    """Derive, write and build; returns the folder that holds `html`.

    Args:
        derive: writes the executed notebooks, called as `derive(root, results, folder, tell=...)`.
    """
    folder = root / "book"
    with timed(console, "chapters"):
        derive(root, results, folder / "chapters", tell=lambda line: console.print(f"  {line}", highlight=False))
    with timed(console, "pages"):
        site = gather(root, results, region_changes=region_changes(root), address=_public_address())
        embeds = {
            CATALOGUE: embedded(catalogue(), "repro-catalogue"),
            VOCABULARIES: embedded(for_pages(), "repro-vocabularies"),
        }
        written = write_pages(site, folder, embeds)
        console.print(f"  {len(site.whole_claims)} claims, {len(written)} generated files changed", highlight=False)
    with timed(console, "html"), console.status("Sphinx is building ..."):
        built = build_html(folder)
    if not built:
        console.print("  nothing had changed", highlight=False)
    return folder / "_build"


@contextmanager
def timed(console: Console, part: str) -> Iterator[None]:
    """Say how long a part of the build took."""
    start = time.monotonic()
    yield
    console.print(f"{part}: {time.monotonic() - start:.1f} s", highlight=False)


def _public_address() -> str:
    """Where the book is published (REPRO_BOOK_URL), for the feed; empty where it is only read from disk."""
    address = os.environ.get("REPRO_BOOK_URL", "")
    return address if not address or address.endswith("/") else f"{address}/"
