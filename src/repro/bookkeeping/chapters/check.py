"""`repro check`: every committed verdict derived again from committed records alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.bookkeeping.chapters.execution import execute, outlived, side_by_side, verdicts_of
from repro.bookkeeping.chapters.kernels import Server
from repro.bookkeeping.ledger.verdict import Verdict
from repro.bookkeeping.ledger.verdict_files import load_verdicts, same_verdict
from repro.bookkeeping.notebooks import Notebook, notebooks
from repro.floor.scale import Scale


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


@dataclass(frozen=True)
class Checked:
    """What a check found: verdicts that drifted, and told sentences that speak of outcomes which are others now."""

    drifts: list[Drift]
    outlived: list[str]


def check(
    root: Path,
    results: Path,
    selection: Sequence[Notebook] | None = None,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> Checked:
    """Each difference between the committed verdicts and those that notebooks and records give now.

    Sentences are looked at where the book shows them: at the largest scale of their notebook.

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

    def derive(server: Server, task: tuple[Notebook, str]) -> tuple[list[Verdict], list[str]]:
        tell(f"{task[0].name} at scale {task[1]}, from records alone")
        return _derive(server, *task)

    largest = {notebook: max((Scale(s) for n, s in tasks if n == notebook), key=_rank) for notebook, _ in tasks}
    results_of = list(zip(tasks, side_by_side(derive, tasks), strict=True))
    derived = {(v.claim, str(v.scale)): v for _, (given, _) in results_of for v in given}
    stale = [f"{n.name}: {left}" for (n, s), (_, told) in results_of if largest[n] == s for left in told]
    drifts = [
        Drift(claim, scale, committed.get((claim, scale)), derived.get((claim, scale)))
        for claim, scale in sorted(committed.keys() | derived.keys())
        if not _agree(committed.get((claim, scale)), derived.get((claim, scale)))
    ]
    return Checked(drifts, stale)


def _rank(scale: Scale) -> int:
    return scale.rank


def _derive(server: Server, notebook: Notebook, scale: str) -> tuple[list[Verdict], list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        executed = execute(notebook, {"scale": scale, "compute": "never"}, Path(folder) / "out.ipynb", server=server)
    return [v for v in verdicts_of(executed) if v.outcome != "untested"], outlived(executed)


def _agree(committed: Verdict | None, derived: Verdict | None) -> bool:
    return committed is not None and derived is not None and same_verdict(committed, derived)
