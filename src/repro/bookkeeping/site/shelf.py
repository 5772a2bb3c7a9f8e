"""The book's parts in reading order, the chapters of claims in them, and the pages that their notebooks have become."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from repro.floor.faults import fault
from repro.floor.toml_files import load_toml


@dataclass(frozen=True)
class Origin:
    """What a page was derived from: the scale, each measurement with its number of records, and what made them."""

    scale: str = ""
    records: tuple[tuple[str, int], ...] = ()
    commits: str = ""
    dates: str = ""


@dataclass(frozen=True)
class Page:
    """A notebook as the book shows it: its question, its short name, and `anchors`, the verdict cards on it."""

    notebook: str
    chapter: str
    title: str
    short: str
    anchors: frozenset[str]
    origin: Origin = Origin()

    @property
    def address(self) -> str:
        """Its page in the book, without a file's ending."""
        return f"chapters/{self.notebook}"


@dataclass(frozen=True)
class Chapter:
    """A chapter of claims by its folder's name, with the title that readers see."""

    name: str
    title: str
    pages: tuple[Page, ...]

    @property
    def claims_page(self) -> str:
        """The page of its claims in the book, without a file's ending."""
        return f"claims/{self.name}"


@dataclass(frozen=True)
class Part:
    """Some chapters of claims that a reader would look for together, and their pages in reading order."""

    name: str
    title: str
    about: str
    chapters: tuple[Chapter, ...]
    pages: tuple[Page, ...]

    @property
    def address(self) -> str:
        """Its page in the book, without a file's ending."""
        return f"parts/{self.name}"


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Stated:
    """A part as book/parts.toml states it: chapters by folder and pages by notebook, each with its name for readers."""

    title: str
    about: str
    chapters: dict[str, str]
    pages: dict[str, str]


def parts(listing: Path, experiments: Path, derived: Path, names: Iterable[str]) -> list[Part]:
    """The parts of book/parts.toml that hold any of the chapters `names`; those that none lists make a last one.

    Args:
        listing: a table per part with title, about, chapters (folder = title) and pages (notebook = short name).
        derived: the folder of executed notebooks.

    Raises:
        ValueError: a part of another shape.
    """
    stated = _stated(listing)
    wanted = list(dict.fromkeys(names))
    placed = {chapter for part in stated.values() for chapter in part.chapters}
    if left := sorted(set(wanted) - placed):
        chapters = {name: name.replace("-", " ").capitalize() for name in left}
        stated["more"] = Stated("Further chapters", "", chapters, {})
    shorts = {notebook: short for part in stated.values() for notebook, short in part.pages.items()}
    pages = {page.notebook: page for name in wanted for page in _pages(experiments / name, derived, shorts)}
    whole = [_part(name, entry, wanted, pages, shorts) for name, entry in stated.items()]
    return [part for part in whole if part.chapters]


def _stated(listing: Path) -> dict[str, Stated]:
    entries = load_toml(listing) if listing.is_file() else {}
    try:
        return TypeAdapter(dict[str, Stated]).validate_python(entries)
    except ValidationError as error:
        raise ValueError(f"{listing} is not as expected ({fault(error)})") from error


def _part(name: str, entry: Stated, wanted: list[str], pages: Mapping[str, Page], shorts: Mapping[str, str]) -> Part:
    chapters = tuple(
        Chapter(chapter, title, tuple(page for page in pages.values() if page.chapter == chapter))
        for chapter, title in entry.chapters.items()
        if chapter in wanted
    )
    listed = [pages[notebook] for notebook in entry.pages if notebook in pages]
    unlisted = [page for chapter in chapters for page in chapter.pages if page.notebook not in shorts]
    return Part(name, entry.title, entry.about, chapters, tuple(listed + unlisted))


def _notebooks(folder: Path) -> list[str]:
    return [path.stem for path in sorted(folder.glob("*.ipynb"))]


def _pages(folder: Path, derived: Path, shorts: Mapping[str, str]) -> Iterable[Page]:
    for notebook in _notebooks(folder):
        path = derived / f"{notebook}.ipynb"
        if path.is_file():
            yield _page(path, folder.name, shorts)


def _page(path: Path, chapter: str, shorts: Mapping[str, str]) -> Page:
    content = path.read_text(encoding="utf-8")
    anchors = frozenset(re.findall(r'id=\\"(claim-[\w.-]+)\\"', content))
    derived = json.loads(content)
    for cell in derived["cells"]:
        heading = re.match(r"#\s+(.+)", "".join(cell["source"])) if cell["cell_type"] == "markdown" else None
        if heading:
            title = heading.group(1).strip()
            return Page(path.stem, chapter, title, shorts.get(path.stem, title), anchors, _origin(derived))
    raise ValueError(f"{path.name}: no cell opens with a title (`# ...`); a chapter opens with its question as title")


def _origin(derived: Mapping[str, Any]) -> Origin:
    """As the deriving step noted it, and the study when it closed."""
    inputs = derived["metadata"].get("repro", {}).get("inputs", {})
    shown = (output.get("metadata", {}) for cell in derived["cells"] for output in cell.get("outputs", []))
    closed: dict[str, str] = next((facts["closed"] for one in shown if "closed" in (facts := one.get("repro", {}))), {})
    counts = Counter(name.partition("/")[0] for name in inputs.get("records", []))
    return Origin(inputs.get("scale", ""), tuple(counts.items()), closed.get("commit", ""), closed.get("date", ""))
