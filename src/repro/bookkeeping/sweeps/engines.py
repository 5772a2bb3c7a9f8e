"""Engines: (work, settings) -> outcomes as they finish. State and identity live in the records alone."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

from repro.bookkeeping.records import Record, Trial, record_of, trial_of
from repro.bookkeeping.sweeps.settings import EngineSettings
from repro.floor.identity import spell
from repro.floor.measurement import Diverged
from repro.floor.provenance import provenance

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: with a record, or with the last lines of what went wrong."""

    trial: Trial
    record: Record | None
    failure: str = ""


Engine = Callable[[Sequence[Trial], EngineSettings], Iterator[Outcome]]


def measure(trial: Trial) -> Record:
    """Run one trial here and now; a divergence is a result, any other exception is raised."""
    started, wall, cpu = datetime.now(UTC), time.perf_counter(), time.process_time()
    numbers, reason = None, ""
    try:
        numbers = trial.measurement(trial.config, trial.seed)
    except Diverged as diverged:
        reason = str(diverged) or "diverged"
    took = {"seconds": round(time.perf_counter() - wall, 3), "cpu_seconds": round(time.process_time() - cpu, 3)}
    made = {**provenance(), "date": started.date().isoformat(), **took}
    return record_of(trial, numbers, made, reason)


def inline(work: Sequence[Trial], settings: EngineSettings) -> Iterator[Outcome]:
    """One after another in this process, without a time limit."""
    for trial in work:
        try:
            yield Outcome(trial, measure(trial))
        except Exception:
            yield Outcome(trial, None, _last_lines(traceback.format_exc()))


def pool(work: Sequence[Trial], settings: EngineSettings) -> Iterator[Outcome]:
    """A pool of processes in which a worker that dies, or a trial over its limit, costs that trial alone."""
    from pebble import ProcessPool

    calls = [_call(trial) for trial in work]
    jobs = min(settings.jobs, len(work))
    with _threads(max(1, (os.cpu_count() or 1) // jobs)):
        processes = ProcessPool(max_workers=jobs, context=get_context("spawn"))
        try:
            futures = {
                processes.schedule(measure_spelled, args=call, timeout=settings.time_limit): trial
                for call, trial in zip(calls, work, strict=True)
            }
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield _outcome(futures[future], future.result, settings)
            processes.close()
        except BaseException:
            processes.stop()
            raise
        finally:
            processes.join()


def cluster(work: Sequence[Trial], settings: EngineSettings) -> Iterator[Outcome]:
    """Ray Core tasks, on the cluster of RAY_ADDRESS or on this machine; a lost node's tasks run elsewhere.

    Raises:
        ModuleNotFoundError: Ray is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("engine ray needs the extra `cluster`: pip install 'repro[cluster]'") from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=3)(measure_spelled)
    tasks = {remote.remote(*_call(trial)): trial for trial in work}
    waiting = list(tasks)
    while waiting:
        done, waiting = ray.wait(waiting)
        for task in done:
            yield _outcome(tasks[task], lambda task=task: ray.get(task), settings)


def measure_spelled(name: str, module: str, spelled: dict[str, Any], seed: int) -> Record:
    """`measure` in a process that starts bare: the trial arrives as its spelling."""
    return measure(trial_of(name, module, spelled, seed))


def _call(trial: Trial) -> tuple[str, str, dict[str, Any], int]:
    if trial.measurement.module == "__main__":
        raise ValueError(
            f"{trial.measurement.name} is defined in a notebook, where no other process can import it; "
            "move it into a module, or run with REPRO_ENGINE=inline"
        )
    spelled = spell(trial.config)
    assert isinstance(spelled, dict)
    return trial.measurement.name, trial.measurement.module, spelled, trial.seed


def _outcome(trial: Trial, result: Callable[[], Record], settings: EngineSettings) -> Outcome:
    try:
        return Outcome(trial, result())
    except TimeoutError:
        return Outcome(trial, None, f"took longer than {settings.time_limit:g} s (REPRO_TIME_LIMIT)")
    except Exception as error:  # whatever a trial raised is that trial's failure, reported by the sweep
        remote = getattr(error, "__cause__", None)
        return Outcome(trial, None, _last_lines(f"{remote or ''}\n{type(error).__name__}: {error}"))


def _last_lines(text: str, count: int = 6) -> str:
    return "\n".join(line for line in text.strip().splitlines()[-count:] if line.strip())


class _threads:
    """Numerical libraries of processes started inside use this many threads, so that jobs share the cores."""

    def __init__(self, count: int) -> None:
        self.wanted = {name: str(count) for name in THREADS if name not in os.environ}

    def __enter__(self) -> None:
        os.environ.update(self.wanted)

    def __exit__(self, *_: object) -> None:
        for name in self.wanted:
            os.environ.pop(name, None)


by_name: dict[str, Engine] = {"inline": inline, "pool": pool, "ray": cluster}
