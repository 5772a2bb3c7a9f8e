"""The engine of several machines: Ray Core tasks, and nothing else of Ray."""

from __future__ import annotations

import signal
from collections.abc import Generator, Sequence
from types import FrameType

from repro.bookkeeping.records import Record, Trial
from repro.bookkeeping.sweeps.outcome import Call, Ended, call_of, last_lines, measure_spelled
from repro.bookkeeping.sweeps.settings import EngineSettings

NODE_LOSSES = 3  # how often one trial may lose its machine; an exception of its own is never tried again


def cluster(work: Sequence[Trial], settings: EngineSettings) -> Generator[Ended, None, None]:
    """Ray tasks of one core each, and one GPU each where the cluster has any; a lost machine's tasks run elsewhere.

    The cluster is that of RAY_ADDRESS; without it, this machine. Its capacity, not `jobs`, says how many run at once.
    When the time is over, what runs and what waits is cancelled; until then the cluster begins what it can.

    Raises:
        ModuleNotFoundError: Ray is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("engine ray needs the extra `cluster`: pip install 'repro[cluster]'") from error
    calls = [call_of(trial) for trial in work]
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=NODE_LOSSES)(measure_within)
    tasks = {remote.remote(settings.time_limit, call): trial for call, trial in zip(calls, work, strict=True)}
    waiting = list(tasks)
    try:
        while waiting:
            (done,), waiting = ray.wait(waiting)
            try:
                yield Ended(tasks[done], ray.get(done))
            except ray.exceptions.RayTaskError as error:
                yield Ended(tasks[done], None, last_lines(error))
            except ray.exceptions.RayError as error:
                yield Ended(tasks[done], None, f"its process or machine died {NODE_LOSSES + 1} times: {error}")
    finally:
        for task in waiting:
            ray.cancel(task, force=True)


def measure_within(limit: float, call: Call) -> Record:
    """`measure_spelled` with a time limit in seconds, by an alarm: Ray itself has none for a task."""
    signal.signal(signal.SIGALRM, _overdue)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        return measure_spelled(*call)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _overdue(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("took longer than its limit (REPRO_TIME_LIMIT)")
