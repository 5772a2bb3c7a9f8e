"""A page is derived anew where its notebook, chapter, modules or records changed, and nowhere else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tiny_book import CELLS, make_book

from repro.bookkeeping.chapters import derive_pages, notebooks, run
from repro.bookkeeping.chapters.inputs import up_to_date
from repro.bookkeeping.records import read_record

ROOMS = os.pathsep.join(str(Path(__file__).parents[1] / part) for part in (".", "../src"))

# The library of this book, beside the package that draws it.
LIBRARY = {
    "sums/__init__.py": "",
    "sums/early.py": "def later():\n    import sums.late\n",
    "sums/late.py": "",
    "sums/table.toml": "",
    "sums/more/table.toml": "",
    "words.py": "def said():\n    return 1\n",
    "shown.py": "raise ImportError('showing needs no import')\ndef drawn():\n    return 1\n",
    "unused.py": "",
}


def write_books(root: Path) -> None:
    """Two notebooks, tiny and second, that load other modules and read other records."""
    for name, text in LIBRARY.items():
        (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "src" / name).write_text(text)
    book = make_book(root, ["import sums.early; sums.early.later()", CELLS[0], 'study.show("shown.drawn")', *CELLS[1:]])
    text = book.path.read_text()
    changes = {
        "import sums.early; sums.early.later()": "import words",
        "shown.drawn": "words.said",
        'open_study(\\"tiny': 'open_study(\\"second',
        "knobs.left,": "knobs.left + 1,",
    }
    for ours, theirs in changes.items():
        assert ours in text
        text = text.replace(ours, theirs)
    (book.path.parent / "second.ipynb").write_text(text)


def settle_in(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Kernels work in `root`, with its library before this one, and compute in their own process."""
    patch.setenv("PYTHONPATH", os.pathsep.join([str(root / "src"), ROOMS]))
    patch.setenv("REPRO_RESULTS", str(root / "results"))
    patch.setenv("REPRO_ENGINE", "inline")
    patch.chdir(root)


@pytest.fixture(scope="module")
def derived(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("derived")
    with pytest.MonkeyPatch.context() as patch:
        settle_in(root, patch)
        write_books(root)
        derive_pages(root, root / "results", root / "pages")
    return root


@pytest.fixture
def root(derived, tmp_path, monkeypatch) -> Path:
    """A copy of the derived book that is the test's own."""
    shutil.copytree(derived, tmp_path, dirs_exist_ok=True)
    settle_in(tmp_path, monkeypatch)
    return tmp_path


def stale(root: Path) -> set[str]:
    """The notebooks whose pages are not what their inputs give."""
    every = notebooks(root / "experiments")
    return {
        n.name for n in every if not up_to_date(root / "pages" / f"{n.name}.ipynb", "smoke", n, root, root / "results")
    }


def test_nothing_is_stale_where_nothing_changed(root):
    assert set() == stale(root)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("src/sums/early.py", {"tiny"}),
        ("src/sums/late.py", {"tiny"}),  # imported by a function, when it was called
        ("src/sums/__init__.py", {"tiny"}),
        ("src/sums/table.toml", {"tiny"}),
        ("src/sums/more/table.toml", {"tiny"}),
        ("src/sums/more/another.toml", {"tiny"}),
        ("src/shown.py", {"tiny"}),  # shown and not imported
        ("src/words.py", {"second"}),
        ("src/unused.py", set()),
        ("experiments/tiny/tiny.ipynb", {"tiny"}),
        ("experiments/tiny/claims.toml", {"tiny", "second"}),
        ("experiments/tiny/scales.toml", {"tiny", "second"}),
        ("book/introduction.md", set()),
        ("results/records/add/of-another-page.json", set()),
    ],
)
def test_one_changed_file_makes_those_pages_stale_that_are_a_function_of_it(root, file, expected):
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.read_text() + "\n" if path.exists() else "\n")

    assert expected == stale(root)


@pytest.mark.parametrize("change", [lambda path: path.write_text(path.read_text() + "\n"), Path.unlink])
def test_one_changed_record_derives_one_page(root, change):
    records = {read_record(path).numbers["sum"]: path for path in root.glob("results/records/add/*.json")}
    assert {1 + 2, 2 + 2} == set(records)
    change(records[2 + 2])
    told: list[str] = []

    derive_pages(root, root / "results", root / "pages", tell=told.append)

    assert ["second: derived at scale smoke", "tiny: up to date at scale smoke"] == sorted(told)
    assert set() == stale(root)


def test_a_page_moves_to_the_scale_of_its_first_verdict(root):
    [tiny] = [notebook for notebook in notebooks(root / "experiments") if notebook.name == "tiny"]
    run(tiny, {"scale": "cpu"}, root / "results")
    told: list[str] = []

    derive_pages(root, root / "results", root / "pages", tell=told.append)

    assert ["second: up to date at scale smoke", "tiny: derived at scale cpu"] == sorted(told)


def test_a_page_says_what_its_claims_came_to_at_other_scales(root):
    """At cpu on a page that shows gpu; not at smoke, which decides nothing. It changes with them."""
    with (root / "experiments" / "tiny" / "scales.toml").open("a") as scales:
        scales.write('[gpu]\nscope = "the largest sums"\nleft = 100\nright = 200\n')
    [tiny] = [notebook for notebook in notebooks(root / "experiments") if notebook.name == "tiny"]
    for scale in ("smoke", "cpu", "gpu"):
        run(tiny, {"scale": scale}, root / "results")
    derive_pages(root, root / "results", root / "pages")
    page = (root / "pages" / "tiny.ipynb").read_text()
    [verdicts] = root.glob("results/verdicts/tiny.json")
    verdicts.write_text(verdicts.read_text().replace("larger sums", "large sums"))
    told: list[str] = []
    derive_pages(root, root / "results", root / "pages", tell=told.append)

    assert "At other scales" in page and "larger sums" in page and "small sums" not in page
    assert "tiny: derived at scale gpu" in told
    assert "large sums" in (root / "pages" / "tiny.ipynb").read_text()


def test_a_page_of_a_module_that_was_edited_meanwhile_is_derived_again(root):
    """Nobody knows which version it shows."""
    path = root / "experiments" / "tiny" / "second.ipynb"
    path.write_text(path.read_text().replace("import words", "import words; open(words.__file__, 'a').write('#')"))
    derive_pages(root, root / "results", root / "pages")

    assert {"second"} == stale(root)
