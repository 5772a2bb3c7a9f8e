"""`repro run`: a notebook at a scale, and its verdicts kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.bookkeeping.chapters.execution import execute, verdicts_of
from repro.bookkeeping.ledger.verdict import Verdict
from repro.bookkeeping.ledger.verdict_files import Change, keep_verdicts
from repro.bookkeeping.notebooks import Notebook


def run(
    notebook: Notebook,
    parameters: Mapping[str, Any],
    results: Path,
    *,
    output: Path | None = None,
    cell_limit: int | None = None,
    progress: bool = False,
) -> tuple[list[Verdict], list[Change]]:
    """Execute a notebook, keep its verdicts under `results` and say what changed.

    The executed notebook lands at `output`, by default results/executed/<notebook>-<scale>.ipynb (not committed).
    """
    place = output or results / "executed" / f"{notebook.name}-{parameters.get('scale', 'smoke')}.ipynb"
    executed = execute(notebook, parameters, place, cell_limit=cell_limit, progress=progress)
    verdicts = verdicts_of(executed)
    return verdicts, keep_verdicts(results, notebook.chapter, verdicts)
