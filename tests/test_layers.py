"""Imports go down only: each room of the package may use those below it, never one above or beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "repro"

SCIENCE_BASE = ["floor", "corpora", "models", "training"]
BOOKS = ["bookkeeping.ledger", "bookkeeping.records", "bookkeeping.sweeps", "bookkeeping.pages"]
KNOBS, STUDY, CHAPTERS = "bookkeeping.knobs", "bookkeeping.study", "bookkeeping.chapters"

# room: the rooms that it may import. A room that is not named here may not exist.
MAY_IMPORT = {
    "floor": [],
    # science: a configuration and a seed give numbers
    "sizing": ["floor"],
    "corpora": ["floor"],
    "models": ["floor", "corpora"],
    "training": ["floor", "corpora", "models"],
    "evaluation": SCIENCE_BASE,
    "alignment": SCIENCE_BASE,
    "inference": [*SCIENCE_BASE, "sizing"],
    "fits": [*SCIENCE_BASE, "sizing"],
    "abilities": SCIENCE_BASE,
    "adaptation": [*SCIENCE_BASE, "sizing", "inference"],
    # bookkeeping: knows no science
    "bookkeeping": [],
    "bookkeeping.ledger": ["floor"],
    "bookkeeping.records": ["floor", *BOOKS[:1]],
    "bookkeeping.sweeps": ["floor", *BOOKS[:2]],
    "bookkeeping.pages": ["floor", *BOOKS[:3]],
    KNOBS: ["floor"],
    STUDY: ["floor", "figures", *BOOKS, KNOBS],
    CHAPTERS: ["floor", *BOOKS, KNOBS],
    "figures": ["floor"],
    # the two doors: the package itself (for notebooks) and the command line
    "": [STUDY],
    "cli": [
        *["", "floor", "figures", *SCIENCE_BASE, "evaluation", "alignment", "inference", "fits", "sizing", "abilities"],
        *["adaptation", *BOOKS, KNOBS, STUDY, CHAPTERS],
    ],
}

# Reading, fitting and the arithmetic need none of these; Ray is one engine of sweeps.
HEAVY = {
    "torch": {"models", "training", "evaluation", "alignment", "inference", "abilities", "adaptation"},
    "transformers": {"models", "training", "evaluation", "alignment", "inference"},
    "trl": {"training", "alignment"},
    "datasets": {"corpora", "alignment"},
    "tokenizers": {"corpora", "alignment"},
    "ray": {"bookkeeping.sweeps"},
}

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def room_of(module: str) -> str:
    """The room of a dotted name inside the package: `bookkeeping.ledger.claim` lies in `bookkeeping.ledger`."""
    parts = module.split(".")
    return max((room for room in MAY_IMPORT if parts[: len(room.split("."))] == room.split(".")), key=len, default="")


def imports_of(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of each import in a file, those inside functions too."""
    here = [package.name, *path.relative_to(package).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for name in node.names:  # `from repro.floor import places` imports a module, not an attribute
                inner = f"{origin}.{name.name}"
                yield node.lineno, inner if _is_module(inner, package) else origin


def _is_module(dotted: str, package: Path) -> bool:
    inside = package.parent.joinpath(*dotted.split("."))
    return inside.is_dir() or inside.with_suffix(".py").is_file()


def violations(package: Path) -> list[str]:
    """Each import that the tables above do not allow, as `file:line: what`."""
    found = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        own = room_of(".".join(part for part in inside.with_suffix("").parts if part != "__init__"))
        for line, name in imports_of(path, package):
            if name.split(".")[0] == package.name:
                other = room_of(name.removeprefix(package.name).removeprefix("."))
                if other != own and other not in MAY_IMPORT[own]:
                    found.append(f"{inside}:{line}: {own or 'the package'} imports {other or 'the package'}")
            elif own not in HEAVY.get(name.split(".")[0], {own}):
                found.append(f"{inside}:{line}: {own or 'the package'} imports {name}, which it must not need")
    return found


def nameless(folder: Path) -> list[str]:
    """Files and folders whose name says nothing of what is in them."""
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.stem in NAMELESS]


def test_imports_go_down_only():
    """The package as it stands keeps to the table."""
    assert [] == violations(PACKAGE)


def test_every_room_is_in_the_table():
    """A new folder must be given its place before it is used."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}

    assert set() == rooms - set(MAY_IMPORT)


def test_no_room_without_a_name():
    """A package is a noun of the field."""
    assert [] == nameless(PACKAGE) + nameless(Path(__file__).parent)


def test_the_table_has_no_way_round():
    """Following what may be imported never leads back to where one started, nor from science to bookkeeping."""
    science = {"sizing", "corpora", "models", "training", "evaluation", "alignment", "inference", "fits", "abilities"}
    science |= {"adaptation"}
    books = {room for room in MAY_IMPORT if room.startswith("bookkeeping")}

    assert [] == [room for room in MAY_IMPORT if room in _reached(room)]
    assert [] == [room for room in science if _reached(room) & books]
    assert [] == [room for room in books if _reached(room) & science]


def _reached(room: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(MAY_IMPORT[room])
    while waiting:
        below = waiting.pop()
        if below not in seen:
            seen.add(below)
            waiting += MAY_IMPORT[below]
    return seen


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("floor/scale.py", "from repro.fits import surface", "floor imports fits"),
        ("fits/surface.py", "import repro.bookkeeping.records.store", "fits imports bookkeeping.records"),
        ("fits/surface.py", "from repro import open_study", "fits imports the package"),
        ("fits/surface.py", "from repro.evaluation import bits", "fits imports evaluation"),
        ("fits/surface.py", "import torch", "fits imports torch, which it must not need"),
        (
            "bookkeeping/ledger/claim.py",
            "from ..records import store",
            "bookkeeping.ledger imports bookkeeping.records",
        ),
        (
            "bookkeeping/pages/ledger.py",
            "def f():\n    from repro.fits import surface",
            "bookkeeping.pages imports fits",
        ),
        ("figures/curves.py", "from repro.bookkeeping.study import Study", "figures imports bookkeeping.study"),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, file: str, line: str, complaint: str):
    """The check can fail: upward, sideways, relative and hidden in a function."""
    package = tmp_path / "repro"
    (package / file).parent.mkdir(parents=True)
    (package / file).write_text(f'"""Planted."""\n\n{line}\n', encoding="utf-8")

    [found] = violations(package)

    assert complaint == found.partition(": ")[2]


def test_a_planted_nameless_room_is_found(tmp_path: Path):
    """Folders and files alike."""
    (tmp_path / "fits" / "utils").mkdir(parents=True)
    (tmp_path / "helpers.py").touch()

    assert ["fits/utils", "helpers.py"] == nameless(tmp_path)
