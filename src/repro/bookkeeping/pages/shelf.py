"""The chapters in reading order, and the pages that their notebooks have become."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.floor.toml_files import load_toml


@dataclass(frozen=True)
class Page:
    """A chapter's notebook as the book shows it; `anchors` are the verdict cards on it."""

    notebook: str
    chapter: str
    title: str
    anchors: frozenset[str]

    @property
    def address(self) -> str:
        """Its page in the book, without a file's ending."""
        return f"chapters/{self.notebook}"


@dataclass(frozen=True)
class Chapter:
    """A chapter by its folder's name, with the title that readers see."""

    name: str
    title: str
    pages: tuple[Page, ...]


def chapters(titles: Path, experiments: Path, derived: Path, names: Iterable[str]) -> dict[str, Chapter]:
    """The chapters `names` in the order of book/chapters.toml; one that it does not list comes last.

    Args:
        titles: book/chapters.toml, `name = "title"` in reading order.
        derived: the folder of executed notebooks.
    """
    known: dict[str, str] = load_toml(titles) if titles.is_file() else {}
    if odd := [name for name, title in known.items() if not isinstance(title, str)]:
        raise ValueError(f"{titles}: {odd[0]} = {known[odd[0]]!r:.40}; expected a title")
    wanted = set(names)
    ordered = [name for name in known if name in wanted] + sorted(wanted - set(known))
    return {
        name: Chapter(name, known.get(name, _title_of(name)), tuple(_pages(experiments / name, derived)))
        for name in ordered
    }


def _title_of(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _pages(folder: Path, derived: Path) -> Iterable[Page]:
    for notebook in sorted(folder.glob("*.ipynb")):
        page = derived / notebook.name
        if page.is_file():
            yield _page(page, folder.name)


def _page(path: Path, chapter: str) -> Page:
    content = path.read_text(encoding="utf-8")
    anchors = frozenset(re.findall(r'id=\\"(claim-[\w-]+)\\"', content))
    for cell in json.loads(content)["cells"]:
        heading = re.match(r"#\s+(.+)", "".join(cell["source"])) if cell["cell_type"] == "markdown" else None
        if heading:
            return Page(path.stem, chapter, heading.group(1).strip(), anchors)
    raise ValueError(f"{path.name}: no cell opens with a title (`# ...`); a chapter opens with its question as title")
