"""A notebook is prose and calls: short, without outputs, its parameters in one cell that papermill can read."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from repro.bookkeeping.notebooks import Notebook, write_parameters

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
NOTEBOOKS = sorted(EXPERIMENTS.rglob("*.ipynb"))

LINES = range(40, 161)  # besides parameters and imports; the answer, which the page opens with, among them
LONGEST_FUNCTION = 5
AT_SCALE = re.compile(r"at (?:scale )?(?:smoke|cpu|gpu)\b(?: scale)?", re.IGNORECASE)
CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def faults(path: Path) -> list[str]:
    """What a notebook breaks of the rules of CONTRIBUTING.md; its chapter's scales.toml lies beside it."""
    notebook = nbformat.read(path, as_version=4)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        return [f"no valid notebook: {error.message}"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    found = _form_faults(notebook.cells, code)
    if notebook.metadata.get("kernelspec", {}) != KERNEL:
        found.append(f"its kernelspec is not {KERNEL}, without which bare papermill asks for a kernel")
    if len(tagged) != 1:
        return [*found, f"{len(tagged)} cells tagged parameters; expected 1"]
    if tagged[0].source != Notebook(path).parameters():
        found.append(f"its parameters are not those that scales.toml tells of; `repro knobs {path.stem}` writes them")
    if code.index(tagged[0]) + 1 < len(code) and "open_study(" not in code[code.index(tagged[0]) + 1].source:
        found.append("the cell after the parameters does not call open_study")
    return found


def _form_faults(cells: list[nbformat.NotebookNode], code: list[nbformat.NotebookNode]) -> list[str]:
    found = []
    lines = sum(len(cell.source.splitlines()) for cell in cells) - sum(map(_declared_lines, code))
    if lines not in LINES:
        found.append(f"{lines} lines besides parameters and imports; expected {LINES[0]} to {LINES[-1]}")
    if any(cell.outputs or cell.execution_count is not None for cell in code):
        found.append("holds outputs; nbstripout removes them")
    if cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        found.append("does not open with a title")
    if not code or code[-1].source.strip().splitlines()[-1:] != ["study.close()"]:
        found.append("its last cell of code does not end with study.close()")
    found += [
        f"says {said[0]!r} in text, which no run can change; `study.tell` tells of results"
        for cell in cells
        if cell.cell_type == "markdown" and (said := AT_SCALE.search(cell.source))
    ]
    for cell in code:
        if "plt.subplots(" in cell.source and "study.figure(" not in cell.source:
            found.append("a figure is left open at the end of its cell, which shows it without its words")
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                found.append(f"function {node.name} is longer than {LONGEST_FUNCTION} lines; it belongs in the library")
    return found


def _declared_lines(cell: nbformat.NotebookNode) -> int:
    """Lines of a cell that nobody composes: the parameters, and imports."""
    if "parameters" in cell.metadata.get("tags", []):
        return len(cell.source.splitlines())
    imports = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return sum(node.end_lineno - node.lineno + 1 for node in imports)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_to_the_rules(path: Path):
    """Each notebook of the book."""
    assert [] == faults(path)


def test_every_notebook_has_its_place_in_the_book():
    """And every place its notebook: the menu has a short name for each page."""
    listed = tomllib.loads((EXPERIMENTS.parent / "book" / "parts.toml").read_text(encoding="utf-8"))

    assert sorted(path.stem for path in NOTEBOOKS) == sorted(page for part in listed.values() for page in part["pages"])


def test_every_work_that_is_cited_stands_in_the_bibliography():
    """The book would end its build on the first that does not."""
    book = EXPERIMENTS.parent / "book"
    known = set(re.findall(r"^@\w+\{([^,]+),", (book / "references.bib").read_text(encoding="utf-8"), re.MULTILINE))
    pages = {path.name: path.read_text(encoding="utf-8") for path in (*NOTEBOOKS, *book.glob("*.md"))}
    cited = {(name, key) for name, text in pages.items() for keys in CITED.findall(text) for key in keys.split(",")}

    assert cited
    assert [] == sorted((name, key) for name, key in cited if key.strip() not in known)


SCALES = '[knobs]\nresamples = "draws"\n[smoke]\nscope = "planted"\nresamples = 10\n'
PARAMETERS = """scale = "smoke"  # smoke settles all of it
compute = "missing"  # no trials are needed, so nothing is ever missing
resamples = None  # draws"""
UNLIKE = "its parameters are not those that scales.toml tells of; `repro knobs planted` writes them"


def planted(folder: Path, edit: Callable[[nbformat.NotebookNode], None]) -> Path:
    """A notebook that keeps to the rules, until it is edited."""
    v4 = nbformat.v4
    cells = [
        v4.new_markdown_cell("# Does the planted claim hold?\n" + "\n".join("A line of prose." for _ in range(60))),
        v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        v4.new_code_cell('from repro import open_study\n\nstudy = open_study("planted", globals())'),
        v4.new_code_cell("study.close()"),
    ]
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": dict(KERNEL)})
    edit(notebook)
    (folder / "scales.toml").write_text(SCALES, encoding="utf-8")
    nbformat.write(notebook, folder / "planted.ipynb")
    return folder / "planted.ipynb"


def test_a_good_notebook_has_no_faults(tmp_path: Path):
    """The rules can be kept."""
    assert [] == faults(planted(tmp_path, lambda notebook: None))


def _output(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="1.0")]


def _long_function(notebook: nbformat.NotebookNode) -> None:
    body = "\n".join(f"    x{i} = {i}" for i in range(5))
    notebook.cells.insert(3, nbformat.v4.new_code_cell(f"def long():\n{body}"))


def _source(cell: int, old: str, new: str) -> Callable[[nbformat.NotebookNode], None]:
    def edit(notebook: nbformat.NotebookNode) -> None:
        assert old in notebook.cells[cell].source
        notebook.cells[cell].source = notebook.cells[cell].source.replace(old, new)

    return edit


def _open_figure(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.insert(3, nbformat.v4.new_code_cell("fig, ax = plt.subplots()"))


def _no_kernel(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata.pop("kernelspec")


def _twice_tagged(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].metadata["tags"] = ["parameters"]


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (_output, "holds outputs; nbstripout removes them"),
        (_long_function, "function long is longer than 5 lines; it belongs in the library"),
        (_open_figure, "a figure is left open at the end of its cell, which shows it without its words"),
        (_no_kernel, f"its kernelspec is not {KERNEL}, without which bare papermill asks for a kernel"),
        (_twice_tagged, "2 cells tagged parameters; expected 1"),
        (_source(0, "# Does", "Does"), "does not open with a title"),
        (_source(0, "A line of prose.\n", ""), "5 lines besides parameters and imports; expected 40 to 160"),
        (
            _source(0, "A line of prose.", "At cpu scale DPO wins."),
            "says 'At cpu scale' in text, which no run can change; `study.tell` tells of results",
        ),
        (_source(1, "# draws", "# of what?"), UNLIKE),
        (_source(1, "resamples = None", "resamples = 400"), UNLIKE),
        (_source(1, "resamples = None  # draws", ""), UNLIKE),
        (_source(1, "None  # draws", "None  # draws\ndraws = 3  # more"), UNLIKE),
        (_source(2, "open_study(", "study_of("), "the cell after the parameters does not call open_study"),
        (_source(3, "study.close()", "study"), "its last cell of code does not end with study.close()"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, edit: Callable[[nbformat.NotebookNode], None], fault: str):
    """The check can fail, on each rule."""
    assert fault in faults(planted(tmp_path, edit))


def test_parameters_that_are_written_are_right_and_nothing_else_changes(tmp_path: Path):
    """Written a second time they are left alone."""
    path = planted(tmp_path, lambda notebook: None)
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace("resamples = None  # draws", "draws = 3"), encoding="utf-8")

    assert [UNLIKE] == faults(path)
    assert [True, False] == [write_parameters(Notebook(path)) for _ in range(2)]
    assert right == path.read_text(encoding="utf-8")
