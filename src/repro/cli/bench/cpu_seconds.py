"""What a command costs before and while it answers: CPU seconds, in units of importing numpy and pydantic.

All that is timed takes turns, so that a busy machine slows everything alike, and the least of a few rounds counts,
since other processes only ever add. The ratio is the figure to quote.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.bookkeeping.sweeps.engines import THREADS

UNIT = "import numpy, pydantic"  # 0.15 CPU seconds on one core of 2024, 0.25 on a busy one
PROGRAM = "from repro.cli import app; app(prog_name='repro')"
RUNS = 100


@dataclass(frozen=True)
class Command:
    """A call of `repro` and the ratio to the unit that it may take; `asked` are variables of a shell's completion."""

    words: tuple[str, ...]
    goal: float
    asked: tuple[tuple[str, str], ...] = ()


# 0.4, 1.2, 2.5 and 4 CPU seconds, where the unit takes 0.2.
COMMANDS = {
    "--help": Command(("--help",), 2),
    "completion": Command(
        (), 2, (("_REPRO_COMPLETE", "complete_bash"), ("COMP_WORDS", "repro cl"), ("COMP_CWORD", "1"))
    ),
    "claims": Command(("claims",), 6),
    "size": Command(("size", "llama-3-8b"), 6),
    "data list": Command(("data", "list"), 6),
    "status": Command(("status",), 12.5),
    "fit": Command(("fit", "runs.csv", "--budget", "1e21", "--figure", "fit.svg"), 20),
}


@dataclass(frozen=True)
class StartBench:
    """What the benchmark found: CPU seconds of the unit, and by command CPU seconds, ratio to the unit, and goal."""

    rounds: int
    unit_seconds: float
    seconds: dict[str, float]
    ratios: dict[str, float]
    goals: dict[str, float]

    @property
    def missed(self) -> list[str]:
        """The commands that take more than their goal."""
        return [name for name, ratio in self.ratios.items() if ratio > self.goals[name]]


def bench_start(*, rounds: int = 5, names: Sequence[str] = tuple(COMMANDS)) -> StartBench:
    """Time the unit and each command once per round, each in a process of its own.

    Raises:
        RuntimeError: a command failed, so that its time says nothing.
    """
    spent: dict[str, list[float]] = {name: [] for name in ("", *names)}
    with tempfile.TemporaryDirectory() as folder:
        _write_runs(Path(folder) / "runs.csv")
        for _ in range(rounds):
            spent[""].append(_cpu_seconds(UNIT, (), {}, folder))
            for name in names:
                command = COMMANDS[name]
                spent[name].append(_cpu_seconds(PROGRAM, command.words, dict(command.asked), folder))
    least = {name: min(seconds) for name, seconds in spent.items()}
    unit = least.pop("")
    ratios = {name: seconds / unit for name, seconds in least.items()}
    return StartBench(rounds, unit, least, ratios, {name: COMMANDS[name].goal for name in names})


def _cpu_seconds(program: str, words: Sequence[str], asked: Mapping[str, str], folder: str) -> float:
    before = _children()
    command = [sys.executable, "-c", program, *words]
    # As a person's shell is: with one thread numpy is loaded in two thirds of the time, and every ratio is another.
    own = {name: value for name, value in os.environ.items() if name not in THREADS}
    ended = subprocess.run(command, capture_output=True, text=True, env={**own, **asked}, cwd=folder)
    if ended.returncode or "Error" in ended.stderr:
        raise RuntimeError(f"repro {' '.join(words)} ended with {ended.returncode}: {ended.stderr[-500:]}")
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write_runs(path: Path) -> None:
    """Runs on a surface like Hoffmann's, ten sizes at each of ten lengths."""
    from repro.fits.runs.planted import Planted, plant

    plant(Planted(budgets=tuple(6 * 10.0**power for power in range(17, 22)), sizes=RUNS // 5), 0).to_csv(path)
