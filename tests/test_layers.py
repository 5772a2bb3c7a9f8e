"""Imports go down only: each room of the package may use those below it, never one above or beside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "repro"

LEDGER, DISPLAY, RECORDS = "bookkeeping.ledger", "bookkeeping.display", "bookkeeping.records"
ARCHIVE, CAMPAIGN = "bookkeeping.archive", "bookkeeping.campaign"
SWEEPS, SITE, PAGES, STUDY = "bookkeeping.sweeps", "bookkeeping.site", "bookkeeping.pages", "bookkeeping.study"
KNOBS, NOTEBOOKS = "bookkeeping.knobs", "bookkeeping.notebooks"
CHAPTERS, EDITION = "bookkeeping.chapters", "bookkeeping.edition"

# room: the rooms that it imports from; one that is named stands for the rooms inside it too.
# A room that is not named here may not exist, and an arrow that is not drawn may not either: nor the other way round.
MAY_IMPORT = {
    "floor": [],
    "statistics": ["floor"],
    # what science stands on
    "instruments": [],
    "quantization": [],
    "sizing": ["sizing.families", "sizing.memory", "sizing.models", "sizing.operations"],
    "sizing.built": ["sizing.models"],
    "sizing.families": ["sizing.built", "sizing.models"],
    "sizing.memory": ["sizing.models", "sizing.operations"],
    "sizing.models": [],
    "sizing.operations": ["sizing.models"],
    "corpora": [],
    "corpora.languages": ["floor"],
    "corpora.languages.markov": ["floor", "corpora.languages"],
    "corpora.parallel": ["floor", "corpora.tables"],
    "corpora.tables": ["floor", "sizing.operations"],
    "corpora.texts": ["floor", "corpora.languages", "corpora.tables"],
    "corpora.vocabularies": ["floor", "statistics", "corpora.parallel", "corpora.tables", "corpora.texts"],
    "models": ["floor", "models.library"],
    "models.library": [],
    "training": ["floor", "statistics", "instruments", "corpora.languages", "corpora.texts", "models"],
    "training.objectives": ["floor", "corpora.languages", "models", "training"],
    # science: a configuration and a seed give numbers
    "abilities": ["floor", "statistics", "sizing.operations", "corpora", "models", "training", "abilities.given"],
    "abilities.given": ["corpora.tables"],
    "abilities.objectives": ["floor", "models", "training"],
    "abilities.prompts": ["floor", "corpora.languages", "models", "training", "abilities"],
    "adaptation": ["floor", "instruments", "quantization", "sizing", "models"],
    "adaptation.tuning": ["floor", "quantization", "corpora.texts", "models", "training", "alignment.methods"],
    "alignment": ["statistics"],
    "alignment.demonstrations": ["floor", "corpora.languages", "models", "alignment.methods"],
    "alignment.exact": ["floor"],
    "alignment.given": [
        *["floor", "instruments", "corpora.languages", "corpora.tables", "models"],
        *["alignment.methods", "alignment.reviews"],
    ],
    "alignment.listed": ["floor", "models", "alignment.exact", "alignment.methods"],
    "alignment.methods": ["floor", "instruments", "models", "alignment.exact"],
    "alignment.reviews": ["floor", "instruments", "corpora.languages", "models", "alignment.methods"],
    "architecture": [],
    "architecture.blocks": ["floor", "models"],
    "architecture.positions": ["floor", "models", "attention"],
    "attention": ["floor", "statistics", "instruments", "sizing.memory", "models"],
    "attention.forms": ["floor"],
    "curation": [],
    "curation.altered": [
        *["floor", "statistics", "corpora.languages", "corpora.texts", "models", "training", "alignment.methods"],
    ],
    "fits": [
        *["floor", "statistics", "figures", "corpora.tables"],
        *["fits.approaches", "fits.laws", "fits.runs"],
    ],
    "fits.approaches": ["floor", "statistics", "sizing.operations", "corpora.tables", "fits.laws", "fits.runs"],
    "fits.laws": ["floor", "sizing.operations"],
    "fits.questions": [
        *["floor", "sizing.operations", "corpora.tables", "fits.approaches", "fits.laws", "fits.runs"],
    ],
    "fits.runs": ["floor", "sizing.operations", "corpora.tables", "fits.laws"],
    "tokens": [],
    "tokens.trained": [
        *["floor", "statistics", "corpora.languages", "corpora.parallel", "corpora.texts", "models", "training"],
        "abilities.prompts",
    ],
    "inference": [],
    "inference.caches": ["floor", "statistics", "instruments", "sizing", "models"],
    "inference.decoding": ["floor", "statistics", "instruments", "corpora.texts", "models", "training"],
    "inference.serving": ["floor", "instruments", "sizing", "corpora.tables", "models"],
    "inference.serving.reuse": ["floor", "corpora.languages", "models", "training", "inference.serving"],
    "inference.speculation": [
        *["floor", "statistics", "instruments", "sizing", "corpora.texts", "models", "training", "inference.decoding"],
    ],
    "tokens.algorithms": [
        *["floor", "statistics", "corpora.languages", "corpora.parallel", "corpora.vocabularies"],
    ],
    "curation.copies": ["floor", "statistics", "corpora.texts"],
    "curation.domains": ["floor", "corpora.languages", "corpora.texts", "models", "training"],
    "curation.filters": ["floor", "statistics", "corpora.texts", "models", "training"],
    "curation.survey": ["corpora.texts", "curation.copies"],
    # bookkeeping: knows no science
    "bookkeeping": [],
    LEDGER: ["floor"],
    DISPLAY: ["floor", LEDGER],
    RECORDS: ["floor"],
    ARCHIVE: ["floor"],
    SWEEPS: ["floor", RECORDS],
    SITE: ["floor", LEDGER, DISPLAY],
    PAGES: ["statistics", LEDGER, DISPLAY, SITE],
    KNOBS: ["floor"],
    STUDY: ["floor", "figures", LEDGER, DISPLAY, RECORDS, SWEEPS, KNOBS],
    NOTEBOOKS: ["floor"],
    CHAPTERS: ["floor", LEDGER, DISPLAY, RECORDS, SWEEPS, KNOBS, NOTEBOOKS],
    CAMPAIGN: ["floor", RECORDS, ARCHIVE, SWEEPS, KNOBS, NOTEBOOKS, CHAPTERS],
    EDITION: [],
    "figures": ["floor", "statistics"],
    # the two doors: the package itself (for notebooks) and the command line
    "": [STUDY],
    "cli": [
        *["floor", "sizing", "fits"],
        *["corpora.parallel", "corpora.tables", "corpora.texts", "corpora.vocabularies", "curation.survey"],
        *[LEDGER, DISPLAY, RECORDS, ARCHIVE, SWEEPS, SITE, PAGES, KNOBS, NOTEBOOKS, CHAPTERS, EDITION],
    ],
    "cli.campaign": ["floor", RECORDS, SWEEPS, CAMPAIGN, "cli"],
    "cli.bench": ["training", "fits", "inference.decoding", SWEEPS, "cli"],
}

# Reading, fitting and the arithmetic need none of these; Ray is one engine of sweeps.
HEAVY = {
    "torch": {
        *["instruments", "models", "training", "alignment", "attention", "inference", "abilities", "adaptation"],
        *["architecture", "curation.altered", "curation.domains", "quantization", "sizing.built", "tokens.trained"],
    },
    "transformers": {
        *["models", "training", "alignment", "attention", "architecture", "inference", "sizing.built"],
        *["quantization", "sizing.built", "curation.domains"],
        *["quantization", "sizing.built", "tokens"],
    },
    "trl": {"alignment"},
    "datasets": {"corpora", "alignment"},
    "tokenizers": {"corpora", "alignment", "tokens"},
    "tiktoken": {"corpora", "tokens"},
    "sentencepiece": {"corpora", "tokens"},
    "ray": {"bookkeeping.sweeps"},
}

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
MOST_FILES = 12  # in a room; a larger one is divided by question


def room_of(module: str) -> str:
    """The room of a dotted name inside the package: `bookkeeping.ledger.claim` lies in `bookkeeping.ledger`."""
    parts = module.split(".")
    return max((room for room in MAY_IMPORT if parts[: len(room.split("."))] == room.split(".")), key=len, default="")


def may_import(room: str, other: str) -> bool:
    """Whether the table allows it: a room that is named stands for those inside it too."""
    return any(other == named or (named and other.startswith(f"{named}.")) for named in MAY_IMPORT[room])


def module_of(path: Path, package: Path) -> str:
    """The dotted name of a file inside the package: `fits/laws/__init__.py` is `fits.laws`."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def imports_of(path: Path, package: Path) -> list[tuple[int, str]]:
    """(line, absolute dotted name) of each import in a file, those inside functions too."""
    return list(_imports(path, package))


def _imports(path: Path, package: Path) -> Iterator[tuple[int, str]]:
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


@dataclass(frozen=True)
class Arrow:
    """One import: where it stands, which module imports, and what, both without the package's own name."""

    place: str
    module: str
    imported: str


@cache
def arrows(package: Path) -> list[Arrow]:
    """Each import of the package from itself."""
    return [
        Arrow(f"{path.relative_to(package)}:{line}", module_of(path, package), name.partition(".")[2])
        for path in sorted(package.rglob("*.py"))
        for line, name in imports_of(path, package)
        if name.split(".")[0] == package.name
    ]


def violations(package: Path) -> list[str]:
    """Each import that the tables above do not allow, as `file:line: what`."""
    upward = []
    for arrow in arrows(package):
        own, other = room_of(arrow.module), room_of(arrow.imported)
        if other != own and not may_import(own, other):
            upward.append(f"{arrow.place}: {own or 'the package'} imports {other or 'the package'}")
    return upward + _heavy(package)


def _heavy(package: Path) -> list[str]:
    heavy = []
    for path in sorted(package.rglob("*.py")):
        own = room_of(module_of(path, package))
        for line, name in imports_of(path, package):
            rooms = HEAVY.get(name.split(".")[0], {own})
            if not any(own == room or own.startswith(f"{room}.") for room in rooms):
                heavy.append(f"{path.relative_to(package)}:{line}: {own} imports {name}, which it must not need")
    return heavy


def opened_from_inside(package: Path) -> list[str]:
    """Each import of a door, a module that registers a measurement, by another module of the package."""
    doors = {
        module_of(path, package)
        for path in package.rglob("*.py")
        if re.search(r"^@measurement\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    return [
        f"{arrow.place}: imports the door {arrow.imported}"
        for arrow in arrows(package)
        if arrow.imported in doors and arrow.module != arrow.imported
    ]


def circles(package: Path) -> list[set[str]]:
    """Modules that import one another, directly or by way of others, inside functions too."""
    below: dict[str, set[str]] = {module_of(path, package): set() for path in package.rglob("*.py")}
    for arrow in arrows(package):
        if arrow.imported in below and arrow.imported != arrow.module:
            below[arrow.module].add(arrow.imported)
    while leaves := [module for module, imported in below.items() if not imported]:
        for leaf in leaves:
            del below[leaf]
        for imported in below.values():
            imported.difference_update(leaves)
    return [set(below)] if below else []


def crowded(package: Path) -> list[str]:
    """Rooms of more files than one sees at a glance."""
    counts = {folder: len(list(folder.glob("[!_]*.py"))) for folder in package.rglob("*") if folder.is_dir()}
    return [f"{folder.relative_to(package)}: {count} files" for folder, count in counts.items() if count > MOST_FILES]


def rooms(package: Path) -> list[str]:
    """The tree of rooms, a line per room: its name, and the first line of its docstring."""
    lines = []
    for path in sorted(package.rglob("__init__.py"), key=lambda path: path.parent.parts):
        depth = len(path.relative_to(package).parts) - 1
        says = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        lines.append(f"{'  ' * depth + path.parent.name + '/':18} {says.partition(chr(10))[0]}")
    return lines


def nameless(folder: Path) -> list[str]:
    """Files and folders whose name says nothing of what is in them."""
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.stem in NAMELESS]


def test_imports_go_down_only():
    """The package as it stands keeps to the table."""
    assert [] == violations(PACKAGE)


def test_doors_open_only_outward():
    """A page, a test or the command line opens a door; no module of the package does."""
    assert [] == opened_from_inside(PACKAGE)


def test_no_circle_of_imports():
    assert [] == circles(PACKAGE)


def test_the_table_is_the_house():
    """Every room is in the table, every row of the table is a room, and every arrow of a row is one that is used."""
    rooms = {module_of(path, PACKAGE) for path in PACKAGE.rglob("__init__.py")}
    files = {module_of(path, PACKAGE) for path in PACKAGE.rglob("*.py")}
    used = {(room_of(arrow.module), room_of(arrow.imported)) for arrow in arrows(PACKAGE)}

    assert set() == rooms - set(MAY_IMPORT)
    assert set() == set(MAY_IMPORT) - files
    assert [] == [
        (room, named)
        for room, row in MAY_IMPORT.items()
        for named in row
        if not any(own == room and f"{other}.".startswith(f"{named}.") for own, other in used)
    ]


def test_no_room_is_crowded_or_without_a_name():
    """A package is a noun of the field, and its files are seen at a glance."""
    assert [] == crowded(PACKAGE)
    assert [] == nameless(PACKAGE) + nameless(Path(__file__).parent)


def test_the_guide_shows_the_rooms():
    """CONTRIBUTING.md has each room with the first line of what it says of itself."""
    guide = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert (
        rooms(PACKAGE) == guide.partition("## Rooms and doors")[2].split("```")[1].removeprefix("text\n").splitlines()
    )


def test_science_and_bookkeeping_never_meet():
    """They meet in a notebook alone, and at the command line."""
    books = {room for room in MAY_IMPORT if room.startswith("bookkeeping")}
    science = set(MAY_IMPORT) - books - {"", "cli", "cli.bench", "cli.campaign", "figures", "floor", "statistics"}

    assert [] == [(room, other) for room in books for other in science if may_import(room, other)]
    assert [] == [(room, other) for room in science for other in books if may_import(room, other)]


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("floor/scale.py", "from repro.fits import surface", "floor imports fits"),
        ("fits/surface.py", "import repro.bookkeeping.records.store", "fits imports bookkeeping.records"),
        ("fits/surface.py", "from repro import open_study", "fits imports the package"),
        ("fits/surface.py", "from repro.alignment.methods import losses", "fits imports alignment.methods"),
        ("fits/surface.py", "import torch", "fits imports torch, which it must not need"),
        (
            "inference/caches/arms.py",
            "from repro.inference.serving import paging",
            "inference.caches imports inference.serving",
        ),
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
    package = planted(tmp_path, {file: line})

    [violation] = violations(package)

    assert complaint == violation.partition(": ")[2]


def test_a_planted_door_that_is_opened_from_inside_is_found(tmp_path: Path):
    """And with it the circle that it makes, though one half of it hides in a function."""
    door = "def run():\n    from repro.fits.work import count\n\n\n@measurement(version=1)\ndef counted(): ..."
    package = planted(tmp_path, {"fits/door.py": door, "fits/work.py": "from repro.fits.door import Config"})

    assert ["fits/work.py:3: imports the door fits.door"] == opened_from_inside(package)
    assert [{"fits.door", "fits.work"}] == circles(package)


def test_a_planted_nameless_or_crowded_room_is_found(tmp_path: Path):
    """Folders and files alike."""
    package = planted(tmp_path, {"fits/utils/a.py": "", "helpers.py": ""} | {f"sizing/f{n}.py": "" for n in range(13)})

    assert ["fits/utils", "helpers.py"] == nameless(package)
    assert ["sizing: 13 files"] == crowded(package)


def planted(folder: Path, files: dict[str, str]) -> Path:
    """A package of these files, by what each says after its first line."""
    package = folder / "repro"
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(f'"""Planted."""\n\n{text}\n', encoding="utf-8")
    return package
