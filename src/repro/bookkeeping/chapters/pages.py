"""Deriving the chapters' pages: each notebook executed at the largest scale that the repository settles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import nbformat

from repro.bookkeeping.chapters.arrangement import arranged
from repro.bookkeeping.chapters.execution import execute, side_by_side, verdicts_of, write
from repro.bookkeeping.chapters.inputs import stamps, take_inputs, up_to_date
from repro.bookkeeping.chapters.kernels import Server
from repro.bookkeeping.display.cards import other_scales
from repro.bookkeeping.ledger import Outcome, load_chapter
from repro.bookkeeping.ledger.outcomes import Verdicts
from repro.bookkeeping.ledger.verdict_files import load_verdicts
from repro.bookkeeping.notebooks import Notebook, notebooks
from repro.floor.scale import Scale


def derive_pages(
    root: Path, results: Path, pages: Path, *, tell: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Write pages/<notebook>.ipynb for every notebook of which an input changed; returns all pages.

    A notebook with verdicts on file is derived from records alone (compute = "never") at their largest scale;
    one without is run at smoke scale, never more.
    """
    verdicts = load_verdicts(results)
    every = {notebook: settled_scale(notebook, verdicts) for notebook in notebooks(root / "experiments")}
    elsewhere = {notebook: _at_other_scales(notebook, scale, verdicts) for notebook, scale in every.items()}
    stale = []
    for notebook, scale in every.items():
        said, shown_at = elsewhere[notebook], str(scale or Scale.SMOKE)
        if up_to_date(_page(pages, notebook), shown_at, notebook, root, results, elsewhere=said):
            tell(f"{notebook.name}: up to date at scale {scale or Scale.SMOKE}")
        else:
            stale.append(notebook)

    def derive(server: Server, notebook: Notebook) -> None:
        scale = every[notebook]
        tell(f"{notebook.name}: deriving at scale {scale or Scale.SMOKE}")
        parameters = {"scale": str(scale), "compute": "never"} if scale else {"scale": "smoke"}
        page, before = _page(pages, notebook), stamps(root)
        executed = execute(notebook, parameters, page, server=server)
        inputs = take_inputs(executed, parameters["scale"], elsewhere=elsewhere[notebook])
        given = verdicts_of(executed)
        if inputs.elsewhere:  # before the run box
            executed.cells.insert(-1, nbformat.v4.new_markdown_cell(f"## At other scales\n\n{inputs.elsewhere}"))
        executed.cells = arranged(executed.cells, load_chapter(notebook.path.parent / "claims.toml"), given)
        _finish(executed)
        # Of a file that was edited meanwhile, nobody knows which version the page shows: it is derived again.
        edited = before != stamps(root)
        digest = "" if edited else inputs.digest(notebook, root, results)
        executed.metadata["repro"] = {"inputs": asdict(inputs), "digest": digest}
        write(executed, page)

    if stale:
        side_by_side(derive, stale)
    written = [_page(pages, notebook) for notebook in every]
    for left in set(pages.glob("*.ipynb")) - set(written):
        left.unlink()
    return written


def _page(pages: Path, notebook: Notebook) -> Path:
    return pages / f"{notebook.name}.ipynb"


def settled_scale(notebook: Notebook, verdicts: Verdicts) -> Scale | None:
    """The largest scale at which this notebook has a verdict on file."""
    scales = [Scale(s) for by_scale in verdicts.values() for s, v in by_scale.items() if v.notebook == notebook.name]
    return max(scales, key=lambda scale: scale.rank, default=None)


def _at_other_scales(notebook: Notebook, shown: Scale | None, verdicts: Verdicts) -> str:
    """A table of a notebook's verdicts at other scales than its page shows, or nothing; smoke decides nothing."""
    own = [v for by_scale in verdicts.values() for v in by_scale.values() if v.notebook == notebook.name]
    others = [v for v in own if v.scale not in (shown, Scale.SMOKE) and v.outcome is not Outcome.UNTESTED]
    return other_scales(others) if others else ""


def _finish(executed: nbformat.NotebookNode) -> None:
    """Leave what a reader reads, without timing."""
    for number, cell in enumerate(executed.cells):
        cell["id"] = f"cell-{number}"  # papermill gives the cell that it injects another name in each run
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    executed.metadata.pop("papermill", None)
