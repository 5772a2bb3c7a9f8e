"""Engines of one machine, and the table of all engines. State and identity live in the records alone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

from repro.bookkeeping.records import Record, Trial
from repro.bookkeeping.sweeps.cluster import cluster
from repro.bookkeeping.sweeps.deadline import in_time
from repro.bookkeeping.sweeps.outcome import (
    Call,
    Ended,
    Engine,
    attempt,
    call_of,
    last_lines,
    measure_spelled,
    measure_together,
)
from repro.bookkeeping.sweeps.settings import EngineSettings, cores
from repro.floor.identity import key

if TYPE_CHECKING:
    from pebble import ProcessPool

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def inline(work: Sequence[Trial], settings: EngineSettings) -> Generator[Ended, None, None]:
    """One after another in this process, without a time limit."""
    yield from map(attempt, in_time(work, settings.until))


def batched(work: Sequence[Trial], settings: EngineSettings) -> Generator[Ended, None, None]:
    """At most `jobs` trials at a time in one program, where their measurement can; the others one after another.

    For trials too small to fill a GPU. A program that fails costs all its trials.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in work:
        groups.setdefault(_shared_by(trial), []).append(trial)
    jobs = settings.jobs
    programs = [group[start : start + jobs] for group in groups.values() for start in range(0, len(group), jobs)]
    for program in in_time(programs, settings.until):
        yield from _in_one_program(program)


def _shared_by(trial: Trial) -> str:
    """The same text for trials that may share a program."""
    measurement = trial.measurement
    if measurement.together is None:
        return trial.key
    return key(measurement.name, measurement.version, measurement.together.alike(trial.config), 0)


def _in_one_program(trials: Sequence[Trial]) -> Iterator[Ended]:
    if len(trials) == 1:
        yield attempt(trials[0])
        return
    try:
        records = measure_together(trials)
    except Exception as error:  # noqa: BLE001 - the failure of every trial of the program, which the sweep reports
        yield from (Ended(trial, None, last_lines(error)) for trial in trials)
        return
    yield from map(Ended, trials, records)


def pool(work: Sequence[Trial], settings: EngineSettings) -> Generator[Ended, None, None]:
    """A pool of processes in which a worker that dies, or a trial over its limit, costs that trial alone."""
    from pebble import ProcessPool

    calls = [call_of(trial) for trial in work]
    settings = replace(settings, jobs=min(settings.jobs, len(work)))
    with threads_each(max(1, cores() // settings.jobs)):
        processes = ProcessPool(max_workers=settings.jobs, initializer=end_with_parent, context=get_context("spawn"))
        try:
            yield from _by_workers(processes, iter(zip(calls, work, strict=True)), settings)
            processes.close()
        except BaseException:
            processes.stop()
            raise
        finally:
            processes.join()


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, in the middle of a trial too."""
    parent = parent_process()
    assert parent is not None

    def wait_for_it() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_it, daemon=True).start()


def _by_workers(
    processes: ProcessPool, left: Iterator[tuple[Call, Trial]], settings: EngineSettings
) -> Iterator[Ended]:
    """Trials handed out as workers become free, as long as there is time for another one like the last."""
    running: dict[Future[Record], tuple[Trial, float]] = {}
    took = 0.0
    while True:
        began = time.time()
        free = settings.jobs - len(running) if settings.until - began > took else 0
        for call, trial in islice(left, free):
            running[processes.schedule(measure_spelled, args=call, timeout=settings.time_limit)] = trial, began
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            trial, began = running.pop(future)
            took, error = time.time() - began, future.exception()
            yield Ended(trial, None, _why(error, settings)) if error else Ended(trial, future.result())


def _why(error: BaseException, settings: EngineSettings) -> str:
    from pebble import ProcessExpired

    if isinstance(error, TimeoutError) and error.__cause__ is None:  # a trial's own has its traceback as its cause
        return f"took longer than {settings.time_limit:g} s (REPRO_TIME_LIMIT)"
    if isinstance(error, ProcessExpired):
        return f"its process died with exit code {error.exitcode} (-9: killed, most often for lack of memory)"
    return last_lines(error)


@contextmanager
def threads_each(count: int) -> Iterator[None]:
    """Let numerical libraries of processes that start inside use `count` threads each, so that jobs share the cores.

    Where one of their variables is set already, all are left alone: torch would take MKL's over OpenMP's.
    """
    wanted = {} if set(THREADS) & set(os.environ) else dict.fromkeys(THREADS, str(count))
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)


by_name: dict[str, Engine] = {"pool": pool, "inline": inline, "batched": batched, "ray": cluster}
