"""One trial, run: its record with what it took, or the last lines of what went wrong."""

from __future__ import annotations

import gc
import re
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from repro.bookkeeping.records import Record, Trial, record_of, trial_of
from repro.bookkeeping.sweeps.settings import EngineSettings
from repro.floor.identity import rebuild, spell
from repro.floor.measurement import Diverged, Numbers
from repro.floor.provenance import provenance


@dataclass(frozen=True)
class Ended:
    """How a trial ended: with a record, or with the last lines of what went wrong."""

    trial: Trial
    record: Record | None
    failure: str = ""


# (work, settings) -> outcomes as they finish; a generator, so that closing it ends what still runs
Engine = Callable[[Sequence[Trial], EngineSettings], Generator[Ended, None, None]]

Call = tuple[str, str, dict[str, Any], int]  # what measure_spelled takes


class Stopwatch:
    """When and how long trials ran, wall and CPU time."""

    def __init__(self) -> None:
        self.started, self.wall, self.cpu = datetime.now(UTC), time.perf_counter(), time.process_time()

    def provenance(self, share: int = 1) -> dict[str, Any]:
        """How trials were made, for their records; each of `share` trials of one program has its part of the time."""
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        took = {"seconds": round(wall / share, 3), "cpu_seconds": round(cpu / share, 3)}
        return {**provenance(), "date": self.started.date().isoformat(), **took}


def measure(trial: Trial) -> Record:
    """Run one trial here and now; a divergence is a result, any other exception is raised."""
    free_device_memory()
    watch = Stopwatch()
    result: Numbers | Diverged
    try:
        result = trial.measurement(trial.config, trial.seed)
    except Diverged as diverged:
        result = diverged
    return _record(trial, result, watch.provenance())


def measure_together(trials: Sequence[Trial]) -> list[Record]:
    """Run trials of one measurement in one program; their records say how many there were."""
    free_device_memory()
    watch = Stopwatch()
    results = trials[0].measurement.all_together([trial.config for trial in trials], [trial.seed for trial in trials])
    origin = {**watch.provenance(len(trials)), "together": len(trials)}
    return [_record(trial, one, origin) for trial, one in zip(trials, results, strict=True)]


def free_device_memory() -> None:
    """Give back what earlier trials of this process hold of a GPU: graphs and models that refer to themselves."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def _record(trial: Trial, result: Numbers | Diverged, origin: dict[str, Any]) -> Record:
    if isinstance(result, Diverged):
        return record_of(trial, None, origin, str(result) or "diverged")
    return record_of(trial, result, origin)


def attempt(trial: Trial) -> Ended:
    """`measure`; whatever the trial raises is its failure, which the sweep reports."""
    try:
        return Ended(trial, measure(trial))
    except Exception as error:  # noqa: BLE001 - see above
        return Ended(trial, None, last_lines(error))


def measure_spelled(name: str, module: str, spelled: dict[str, Any], seed: int) -> Record:
    """`measure` in a process that starts bare: the trial arrives as its spelling."""
    return measure(trial_of(name, module, spelled, seed))


def call_of(trial: Trial) -> Call:
    """The arguments by which `measure_spelled` runs a trial in another process.

    Raises:
        ValueError: no other process can import the measurement, or rebuild the same configuration.
    """
    if trial.measurement.module == "__main__":
        raise ValueError(
            f"{trial.measurement.name} is defined in a notebook or script, where no other process can import it; "
            "move it into a module, or run with REPRO_ENGINE=inline"
        )
    spelled = spell(trial.config)
    assert isinstance(spelled, dict)
    if spell(rebuild(trial.measurement.config_class, spelled)) != spelled:
        raise ValueError(
            f"{trial.config!r} changes when it is rebuilt from its spelling; REPRO_ENGINE=inline runs it as is"
        )
    return trial.measurement.name, trial.measurement.module, spelled, trial.seed


def last_lines(error: BaseException, count: int = 8) -> str:
    """The end of an error's traceback; that of the process where it arose, where it came from another one.

    A message longer than `count` lines keeps its first line as well: torch's longest ones end in a list of backends.
    """
    elsewhere = getattr(error, "traceback", None) or getattr(error, "traceback_str", None)  # Pebble's, Ray's
    text = elsewhere if isinstance(elsewhere, str) else "".join(traceback.format_exception(error))
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]  # Ray colours its own
    message = _message_begins(lines)
    return "\n".join([lines[message], "...", *lines[-count:]] if message < len(lines) - count else lines[-count:])


def _message_begins(lines: list[str]) -> int:
    """Where the message of the last error of a traceback begins: after its frames, which are indented."""
    heads = [number for number, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    after = range(heads[-1] + 1 if heads else 0, len(lines))
    return next((number for number in after if not lines[number].startswith(" ")), len(lines))
