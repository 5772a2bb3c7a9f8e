"""Deriving the chapters' pages: each notebook executed at the largest scale that the repository settles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat

from repro.bookkeeping.chapters.execution import execute, side_by_side
from repro.bookkeeping.chapters.kernels import Server
from repro.bookkeeping.ledger.outcomes import Verdicts
from repro.bookkeeping.ledger.verdict_files import load_verdicts
from repro.bookkeeping.notebooks import Notebook, notebooks
from repro.floor.scale import Scale, scales_path


def derive_pages(
    root: Path, results: Path, pages: Path, *, told: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Write pages/<notebook>.ipynb for every notebook whose inputs changed; returns all pages.

    A notebook with verdicts on file is derived from records alone (compute = "never") at their largest scale;
    one without is run at smoke scale, never more.
    """
    verdicts = load_verdicts(results)

    def derive(server: Server, notebook: Notebook) -> Path:
        page = pages / f"{notebook.name}.ipynb"
        scale = settled_scale(notebook, verdicts)
        digest = inputs_digest(notebook, root, results, scale)
        if _digest_of(page) == digest:
            told(f"{notebook.name}: up to date at scale {scale or Scale.SMOKE}")
        else:
            told(f"{notebook.name}: deriving at scale {scale or Scale.SMOKE}")
            parameters = {"scale": str(scale), "compute": "never"} if scale else {"scale": "smoke"}
            executed = execute(notebook, parameters, page, server=server)
            # Records may have been added by the run itself, so the digest is taken again.
            _finish(executed, page, inputs_digest(notebook, root, results, scale))
        return page

    written = side_by_side(derive, notebooks(root / "experiments"))
    for stale in set(pages.glob("*.ipynb")) - set(written):
        stale.unlink()
    return written


def settled_scale(notebook: Notebook, verdicts: Verdicts) -> Scale | None:
    """The largest scale at which this notebook has a verdict on file."""
    scales = [Scale(s) for by_scale in verdicts.values() for s, v in by_scale.items() if v.notebook == notebook.name]
    return max(scales, key=lambda scale: scale.rank, default=None)


def inputs_digest(notebook: Notebook, root: Path, results: Path, scale: Scale | None) -> str:
    """sha256 over all that a page is a function of: notebook, chapter files, library, names of records."""
    digest = hashlib.sha256(str(scale).encode())
    chapter = notebook.path.parent
    for path in [notebook.path, chapter / "claims.toml", scales_path(notebook.path), *_sources(root)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for record in sorted((results / "records").glob("*/*.json")):  # a record never changes, so its name is enough
        digest.update(record.name.encode())
    return digest.hexdigest()


def _sources(root: Path) -> Iterable[Path]:
    """The library that a page is drawn with; the command line and the rest of the book do not enter a page."""
    packages = root / "src" / "repro"
    outside = {packages / "cli", packages / "bookkeeping" / "chapters"}
    return sorted(p for p in packages.rglob("*.py") if not outside & set(p.parents))


def _digest_of(page: Path) -> str | None:
    if not page.is_file():
        return None
    digest = json.loads(page.read_text(encoding="utf-8"))["metadata"].get("repro", {}).get("digest")
    return str(digest) if digest else None


def _finish(executed: nbformat.NotebookNode, page: Path, digest: str) -> None:
    """Leave on the page what a reader reads: no timing, no parameters cells (the run box shows what was used)."""
    for number, cell in enumerate(executed.cells):
        cell["id"] = f"cell-{number}"  # papermill gives the cell that it injects another name in each run
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            cell.metadata["tags"] = [*cell.metadata["tags"], "remove-input"]
    executed.metadata.pop("papermill", None)
    executed.metadata["repro"] = {"digest": digest}
    draft = page.with_suffix(".tmp")
    nbformat.write(executed, draft)
    draft.replace(page)
