"""Files that are damaged, and words that are markup."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import small_book
from ordeal import trial
from small_book import make_small_book

from repro.bookkeeping.edition.html import build_html
from repro.bookkeeping.pages import write_pages
from repro.bookkeeping.records import RecordStore, record_of
from repro.bookkeeping.site import gather
from torture.victims import told, working_in

Damage = Callable[[Path, random.Random], object]
WEIRD = ["NaN", "-Infinity", "1e999", "null", "[]", "{}", "true", '"<script>alert(1)</script>"', "9" * 5000, "[" * 3000]


def _cut(path: Path, chance: random.Random) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: chance.randrange(len(whole) + 1)])


def _flip(path: Path, chance: random.Random) -> None:
    whole = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 4)):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    path.write_bytes(bytes(whole))


def _value(path: Path, chance: random.Random) -> None:
    """Another value in the place of one, in JSON or in TOML."""
    text = path.read_text()
    values = list(re.finditer(r"(?<=[:=] )[^\n,]+", text))
    place = chance.choice(values)
    path.write_text(text[: place.start()] + chance.choice(WEIRD) + text[place.end() :])


def _line(path: Path, chance: random.Random) -> None:
    lines = path.read_text().splitlines(keepends=True)
    lines[chance.randrange(len(lines))] *= chance.choice([0, 2])
    path.write_text("".join(lines))


def _folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _circle(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(path)


DAMAGES: dict[str, Damage] = {
    "cut off": _cut,
    "bytes changed": _flip,
    "a value of another kind": _value,
    "a line lost or doubled": _line,
    "empty": lambda path, chance: path.write_bytes(b""),
    "other bytes": lambda path, chance: path.write_bytes(chance.randbytes(300)),
    "a folder": _folder,
    "a circle of links": _circle,
}
SCALES = '[knobs]\nn = "a number"\n[smoke]\nscope = "small"\nn = 1\n[cpu]\nscope = "large"\nn = 2\n'
SLICE = """
[[slice]]
notebook = "small"
within = 5
settles = ["optimum-is-flat"]
operations = 1e9
flops_per_second = 1e12
launches = 0
"""
FILES = (
    *("experiments/*/claims.toml", "experiments/*/scales.toml", "experiments/articles.toml", "book/parts.toml"),
    *(
        "results/verdicts/*.json",
        "results/verdicts/changelog.jsonl",
        "results/records/*/*.json",
        "experiments/campaign.toml",
    ),
)
DOORS = (
    *(["claims"], ["status"], ["compare", "results"], ["records", "digest"], ["records", "merge", "results"]),
    *(
        ["records", "prune"],
        ["run", "small"],
        ["check", "small"],
        ["knobs", "small"],
        ["campaign", "small", "--scale", "cpu", "--plan"],
    ),
)


def _small_book(place: Path) -> None:
    """The small book with all that a door reads; its notebook is none, so that no kernel is started for it."""
    make_small_book(place)
    chapter = place / "experiments" / "scaling-chinchilla"
    chapter.joinpath("scales.toml").write_text(SCALES)
    place.joinpath("experiments", "campaign.toml").write_text(SLICE)
    store = RecordStore(place / "results" / "records")
    for number in range(3):
        store.put(record_of(trial(number), {"sum": 0.5, "draws": [1, 2]}, {"device": "here", "seconds": 1.0}))


def damaged(count: int, chance: random.Random, folder: Path) -> Counter[str]:
    """One file of a book damaged at a time, and every door tried: it works, or says in a sentence what is wrong."""
    found: Counter[str] = Counter()
    whole = folder / "whole"
    _small_book(whole)
    for number in range(count):
        place = folder / str(number)
        shutil.copytree(whole, place)
        path = chance.choice(sorted(place.glob(chance.choice(FILES))))
        kind = chance.choice(list(DAMAGES))
        DAMAGES[kind](path, chance)
        with working_in(place):
            answers = {" ".join(words): told(*words) for words in DOORS} | {"book": _pages(place)}
        for door, said in answers.items():
            if "Traceback" in said:
                found["FAULT: tracebacks"] += 1
                print(f"{kind}, {path.relative_to(place)}: {door}: {said[-300:]}")
        found[f"damaged: {kind}"] += 1
        found["damaged files that a door named"] += any(path.name in said for said in answers.values())
        shutil.rmtree(place)
    return found


def _pages(place: Path) -> str:
    try:
        write_pages(gather(place, place / "results", region_changes=None), place / "book")
    except (ValueError, FileNotFoundError) as error:  # which `repro book` tells as they are
        return str(error)
    except Exception as error:  # noqa: BLE001 - what is looked for
        return f"Traceback: {error!r}"
    return ""


INCLUDED = ("_generated/catalogue.md", "_generated/vocabularies.md")  # by a page that is not written here
MARKUP = (
    "<script>alive()</script> <img src=x onerror=alive()> <b class=alive>b</b> [a](javascript:alive()) "
    "![i](javascript:alive()) <a href=javascript:alive()>a</a> {{ alive }} `alive` $alive$ \\\\(alive\\\\) "
    "{math}`alive` {cite}`alive` | --> </pre></td></table> &lt;script&gt;alive()&lt;/script&gt; "
    "%alive [alive]: javascript:alive()"
)


def words_that_are_markup(folder: Path) -> Counter[str]:
    """A book whose claims, articles, parts and columns are markup, built: they are shown as they stand."""
    written = {
        name: getattr(small_book, name)
        for name in ("CLAIMS", "RECORDS", "ARTICLES", "FINDINGS", "QUESTIONS", "_points")
    }
    for name in ("CLAIMS", "RECORDS", "ARTICLES", "FINDINGS", "QUESTIONS"):
        texts = r'\b((?:says|primary|metric|why|place|title|about|section|believed|asks|heading) *= )"[^"]*"'
        setattr(small_book, name, re.sub(texts, lambda found: f"{found[1]}'''{MARKUP}'''", written[name]))
    small_book._points = lambda: written["_points"]().rename(columns={"size": MARKUP}).replace("small", MARKUP)
    try:
        book = make_small_book(folder)
    finally:
        for name, value in written.items():
            setattr(small_book, name, value)
    title = f"'''{MARKUP}'''"
    part = f"title = {title}\nabout = {title}\nchapters = {{ scaling-chinchilla = {title}, evaluation = {title} }}\n"
    (book / "parts.toml").write_text(f"[all]\n{part}pages = {{ small = {title} }}\n")
    write_pages(gather(folder, folder / "results", region_changes=None), book, dict.fromkeys(INCLUDED, ""))
    build_html(book)
    pages = list((book / "_build" / "html").rglob("*.html"))
    alive = [f"{page.name}: {what}" for page in pages for what in Alive.found_in(page)]
    print(*alive, sep="\n", end="\n" if alive else "")
    shown = sum("alive()" in page.read_text() for page in pages)
    return Counter({"FAULT: markup alive": len(alive), "pages with words that are markup": shown})


class Alive(HTMLParser):
    """Reads a page and notes each piece of the markup above that a browser would act on."""

    @classmethod
    def found_in(cls, page: Path) -> list[str]:
        reader = cls()
        reader.feed(page.read_text())
        return reader.alive

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        handlers = [name for name in named if name.startswith("on") and "alive" in named[name]]
        links = [named[name] for name in ("href", "src") if named.get(name, "").strip().startswith("javascript:")]
        if handlers or links or named.get("class") == "alive":
            self.alive.append(str(self.get_starttag_text()))
        self._inside = [tag, named.get("class", ""), named.get("type", "")]

    def handle_data(self, data: str) -> None:
        tag, kind, form = self._inside or ["", "", ""]
        acts = (tag == "script" and form != "application/json") or "math" in kind.split()
        if "alive" in data and acts:
            self.alive.append(f"<{tag} class={kind!r}>{data[:60]}")
