"""Every generated file of the book by its name, written only where its text changed so that Sphinx rebuilds little."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from repro.bookkeeping.pages.article_page import article_page
from repro.bookkeeping.pages.changelog import changelog, feed
from repro.bookkeeping.pages.claims import claims_page, claims_script
from repro.bookkeeping.pages.contents import contents, llms_txt
from repro.bookkeeping.pages.cover import cover
from repro.bookkeeping.pages.downloads import claims_csv, claims_json
from repro.bookkeeping.pages.ledger_table import ledger_notes, ledger_table
from repro.bookkeeping.pages.questions import part_page, questions
from repro.bookkeeping.site import Site


def fragments(site: Site) -> dict[str, str]:
    """File name below book/ -> text."""
    return {
        "_generated/toc.yml": contents(site),
        "_generated/cover.md": cover(site),
        "_generated/ledger-notes.md": ledger_notes(site),
        "_generated/ledger-table.md": ledger_table(site),
        "_generated/questions.md": questions(site),
        "_generated/changelog.md": changelog(site),
        "_generated/root/feed.xml": feed(site),
        "_generated/root/llms.txt": llms_txt(site),
        "_generated/root/claims.csv": claims_csv(site),
        "_generated/root/claims.json": claims_json(site),
        "_generated/root/claims.js": claims_script(site),
        **{f"{chapter.claims_page}.md": claims_page(chapter, site) for chapter in site.chapters.values()},
        **{f"{part.address}.md": part_page(part, site) for part in site.parts},
        **{f"{article.page}.md": article_page(article, site) for article in site.articles},
    }


def write_pages(site: Site, book: Path, others: Mapping[str, str] | None = None) -> list[Path]:
    """Write every generated file under `book`; returns those whose text changed, others keep their time.

    Args:
        others: text that is no function of the site, by file name below `book`.
    """
    wanted = {**fragments(site), **(others or {})}
    return [book / name for name, text in wanted.items() if _write_if_changed(book / name, text)]


def _write_if_changed(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.tmp")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
    return True
