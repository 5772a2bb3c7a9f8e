"""`repro check`: every committed verdict derived again from committed records alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.bookkeeping.chapters.execution import execute, side_by_side, verdicts_of
from repro.bookkeeping.chapters.kernels import Server
from repro.bookkeeping.ledger.verdict import Verdict
from repro.bookkeeping.ledger.verdict_files import load_verdicts, same_verdict
from repro.bookkeeping.notebooks import Notebook, notebooks


@dataclass(frozen=True)
class Drift:
    """A committed verdict that its notebook no longer gives, or one that it gives and nobody committed."""

    claim: str
    scale: str
    committed: Verdict | None
    derived: Verdict | None

    def __str__(self) -> str:
        return f"{self.claim} at {self.scale}: committed {_words(self.committed)}, derived {_words(self.derived)}"


def _words(verdict: Verdict | None) -> str:
    if verdict is None:
        return "nothing"
    e = verdict.estimate
    assert e is not None
    return f"{verdict.outcome} {e.value:.6g} [{e.low:.6g}, {e.high:.6g}]"


def check(
    root: Path,
    results: Path,
    selection: Sequence[Notebook] | None = None,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Drift]:
    """Each difference between the committed verdicts and those that notebooks and records give now.

    Args:
        selection: the notebooks whose verdicts are looked at; all by default.

    Raises:
        Failed: a notebook does not run from records alone.
    """
    chosen = notebooks(root / "experiments") if selection is None else selection
    committed = {(c, s): v for c, by_scale in load_verdicts(results).items() for s, v in by_scale.items()}
    if selection is not None:
        names = {notebook.name for notebook in selection}
        committed = {place: verdict for place, verdict in committed.items() if verdict.notebook in names}
    tasks = [
        (notebook, scale)
        for notebook in chosen
        for scale in sorted({s for (_, s), v in committed.items() if v.notebook == notebook.name})
    ]

    def derive(server: Server, task: tuple[Notebook, str]) -> dict[tuple[str, str], Verdict]:
        tell(f"{task[0].name} at scale {task[1]}, from records alone")
        return _derive(server, *task)

    derived = {key: verdict for verdicts in side_by_side(derive, tasks) for key, verdict in verdicts.items()}
    return [
        Drift(claim, scale, committed.get((claim, scale)), derived.get((claim, scale)))
        for claim, scale in sorted(committed.keys() | derived.keys())
        if not _agree(committed.get((claim, scale)), derived.get((claim, scale)))
    ]


def _derive(server: Server, notebook: Notebook, scale: str) -> dict[tuple[str, str], Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        executed = execute(notebook, {"scale": scale, "compute": "never"}, Path(folder) / "out.ipynb", server=server)
    verdicts = verdicts_of(executed)
    return {(v.claim, str(v.scale)): v for v in verdicts if v.outcome != "untested"}


def _agree(committed: Verdict | None, derived: Verdict | None) -> bool:
    return committed is not None and derived is not None and same_verdict(committed, derived)
