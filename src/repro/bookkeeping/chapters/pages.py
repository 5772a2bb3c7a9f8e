"""Deriving the chapters' pages: each notebook executed at the largest scale that the repository settles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import nbformat

from repro.bookkeeping.chapters.arrangement import arranged
from repro.bookkeeping.chapters.execution import Failed, execute, side_by_side, verdicts_of, write
from repro.bookkeeping.chapters.inputs import noted_scale, stamps, take_inputs, up_to_date
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

    A notebook with verdicts on file is derived from records alone (compute = "never") at their largest scale. One
    without is derived at the largest scale at which all of its trials are on record, else run at smoke scale.
    """
    verdicts = load_verdicts(results)
    every = {notebook: settled_scale(notebook, verdicts) for notebook in notebooks(root / "experiments")}
    elsewhere = {notebook: _at_other_scales(notebook, scale, verdicts) for notebook, scale in every.items()}
    stale = []
    for notebook, scale in every.items():
        said, shown_at = elsewhere[notebook], str(scale or noted_scale(_page(pages, notebook)) or Scale.SMOKE)
        if up_to_date(_page(pages, notebook), shown_at, notebook, root, results, elsewhere=said):
            tell(f"{notebook.name}: up to date at scale {shown_at}")
        else:
            stale.append(notebook)

    def derive(server: Server, notebook: Notebook) -> None:
        page, before = _page(pages, notebook), stamps(root)
        executed, scale = _executed(notebook, every[notebook], page, server)
        tell(f"{notebook.name}: derived at scale {scale}")
        inputs = take_inputs(executed, str(scale), elsewhere=elsewhere[notebook])
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


def _executed(
    notebook: Notebook, settled: Scale | None, page: Path, server: Server
) -> tuple[nbformat.NotebookNode, Scale]:
    """A notebook from its records at the scale that it settles something at, and that scale.

    One that settles nothing tries from its largest scale down, and runs at smoke scale.
    """
    larger = [] if settled else sorted((s for s in notebook.settings() if s is not Scale.SMOKE), key=lambda s: -s.rank)
    for scale in larger:
        try:
            executed = execute(notebook, {"scale": str(scale), "compute": "never"}, page, server=server)
            return executed, scale
        except Failed as error:
            error.discard()
    if settled:
        return execute(notebook, {"scale": str(settled), "compute": "never"}, page, server=server), settled
    return execute(notebook, {"scale": str(Scale.SMOKE)}, page, server=server), Scale.SMOKE


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
