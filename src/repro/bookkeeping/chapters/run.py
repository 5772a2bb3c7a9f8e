"""`repro run`: a notebook at a scale, and its verdicts kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.bookkeeping.chapters.execution import execute, verdicts_of
from repro.bookkeeping.chapters.kernels import Server
from repro.bookkeeping.ledger.verdict import Outcome, Verdict
from repro.bookkeeping.ledger.verdict_files import Change, keep_verdicts, verdict_file
from repro.bookkeeping.notebooks import Notebook


@dataclass(frozen=True)
class Run:
    """What a run of a notebook gave: its verdicts, which of them are news, and the CPU seconds that it took.

    Fields: `page` the executed notebook; `verdicts_file` where its verdicts are kept, None where it gave none.
    """

    verdicts: list[Verdict]
    changes: list[Change]
    cpu_seconds: float
    page: Path
    verdicts_file: Path | None


def run(
    notebook: Notebook,
    parameters: Mapping[str, Any],
    results: Path,
    *,
    output: Path | None = None,
    cell_limit: int | None = None,
    progress: bool = False,
    server: Server | None = None,
) -> Run:
    """Execute a notebook, keep its verdicts under `results` and say what changed.

    The executed notebook lands at `output`, by default results/executed/<notebook>-<scale>.ipynb (not committed).
    """
    place = output or results / "executed" / f"{notebook.name}-{parameters.get('scale', 'smoke')}.ipynb"
    executed = execute(notebook, parameters, place, cell_limit=cell_limit, progress=progress, server=server)
    verdicts = verdicts_of(executed)
    changes = keep_verdicts(results, notebook.chapter, verdicts)
    kept = verdict_file(results, notebook.chapter) if any(v.outcome is not Outcome.UNTESTED for v in verdicts) else None
    return Run(verdicts, changes, executed.metadata["repro"]["cpu_seconds"], place, kept)
