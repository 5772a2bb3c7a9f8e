"""Running one notebook through papermill, trusting nothing but a notebook that ran to its last cell."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import nbformat
import papermill
from jupyter_core.utils import ensure_event_loop

from repro.bookkeeping.chapters.kernels import LIBRARIES, TRAINING, Kernel, Server, manager
from repro.bookkeeping.chapters.limits import killed_after
from repro.bookkeeping.knobs import check_parameters
from repro.bookkeeping.ledger.verdict import Verdict
from repro.bookkeeping.ledger.verdict_files import verdict_from_plain
from repro.bookkeeping.notebooks import Notebook
from repro.bookkeeping.sweeps import EngineSettings, OutOfTime
from repro.bookkeeping.sweeps.engines import threads_each
from repro.bookkeeping.sweeps.settings import cores

# Else a kernel warns of the debugger and frozen modules when it starts, and the warning lands on the page.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
MOST_KERNELS = 4  # at a time
START_LIMIT = 300  # seconds that a kernel may take to answer, on a machine with much else to do
Task = TypeVar("Task")
Done = TypeVar("Done")


class Failed(RuntimeError):
    """A notebook that did not run to its end, and as far as it came; whatever it recorded on the way is kept."""

    def __init__(self, words: str, draft: Path | None = None) -> None:
        super().__init__(f"{words}\nAs far as it came: {draft}" if draft else words)
        self.draft = draft

    def discard(self) -> None:
        """Delete what is left of it, where its failing is an answer."""
        if self.draft is not None:
            _discard(self.draft)


def execute(
    notebook: Notebook,
    parameters: Mapping[str, Any],
    output: Path,
    *,
    cell_limit: int | None = None,
    progress: bool = False,
    go_on: bool = False,
    server: Server | None = None,
) -> nbformat.NotebookNode:
    """Run a notebook and put it at `output`, which is written whole or not at all.

    Its metadata say under "repro" how many CPU seconds its kernel took, with the processes that the kernel started.
    It may run until the moment that REPRO_UNTIL names.

    Args:
        parameters: as papermill's -p; refused before anything starts if unknown or mistyped.
        cell_limit: seconds that one cell may take.
        go_on: whether cells after one that raises are run too, for their sweeps; the notebook fails all the same.
        server: the process to fork the kernel from; by default one that has loaded nothing.

    Raises:
        UnknownParameter, TypeError, ValueError: a parameter that the notebook cannot take.
        OutOfTime: the time was over before all trials were on record.
        Failed: a cell raised, or the kernel died (papermill alone can report success for a killed kernel), with the
            folder that holds the notebook as far as it came.
    """
    check_parameters(parameters, notebook.settings())
    until, killed = EngineSettings.from_environment().until, threading.Event()
    if time.time() >= until:
        raise OutOfTime("it was not begun")
    output.parent.mkdir(parents=True, exist_ok=True)
    # Outside the output's folder: what a killed run leaves behind must not lie where the book looks for pages.
    draft = Path(tempfile.mkdtemp(prefix=f"repro-{notebook.name}-")) / notebook.path.name
    kernels: list[Kernel] = []
    try:
        with nullcontext(server) if server else Server() as origin, killed_after(until, kernels, killed):
            papermill.execute_notebook(
                str(notebook.path),
                str(draft),
                parameters=dict(parameters),
                kernel_name="python3",
                kernel_manager_class=manager(origin, kernels),
                progress_bar=progress,
                execution_timeout=cell_limit,
                start_timeout=START_LIMIT,
                allow_errors=go_on,
                shutdown_kernel="immediate",  # asked politely, one that has loaded torch takes two seconds to go
                log_output=False,
                # Else a start warns of unencrypted local ports, and an end of the interrupt by which Jupyter ends it.
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
        executed: nbformat.NotebookNode = nbformat.read(draft, as_version=4)
        _refuse_unfinished(notebook, executed)
    except KeyboardInterrupt:
        _discard(draft)
        raise
    except Exception as error:
        faults = _faults(draft, error)
        if killed.is_set() or any(fault.startswith(f"{OutOfTime.__name__}: ") for fault in faults):
            _discard(draft)
            raise OutOfTime(_how_far(faults)) from error
        raise Failed(f"{notebook.name} did not run to its end: {'; '.join(faults)}", draft) from error
    executed.metadata["repro"] = {"cpu_seconds": round(sum(kernel.cpu_seconds for kernel in kernels), 1)}
    write(executed, output)
    _discard(draft)
    return executed


def write(executed: nbformat.NotebookNode, place: Path) -> None:
    """Put an executed notebook at its place, whole or not at all, also where several runs do so at once."""
    beside = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        nbformat.write(executed, beside)
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)


def side_by_side(
    work: Callable[[Server, Task], Done], tasks: Sequence[Task], *, at_once: int | None = None, computing: bool = False
) -> list[Done]:
    """The results of tasks, several at a time, each of which runs a notebook in a kernel that one server forks.

    The first failure is raised once those under way have ended; no other is begun. An interrupt ends them.

    Args:
        at_once: by default one for each core, and at most four, since a kernel holds up to a gigabyte.
        computing: whether trials may run, for which more libraries are worth loading beforehand.
    """
    at_once = at_once or min(cores(), MOST_KERNELS)
    libraries = LIBRARIES + TRAINING if computing else LIBRARIES
    # The libraries' threads are counted when they are loaded, which is in the server.
    shared = threads_each(max(1, cores() // at_once)) if at_once > 1 else nullcontext()
    with shared, Server(libraries if len(tasks) > 1 else ()) as server:
        if at_once == 1:
            return [work(server, task) for task in tasks]

        def worked(task: Task) -> Done:
            try:
                return work(server, task)
            finally:
                ensure_event_loop().close()  # papermill leaves one in each thread

        pool = ThreadPoolExecutor(at_once)
        try:
            return list(pool.map(worked, tasks))
        except KeyboardInterrupt:
            server.close()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _discard(draft: Path) -> None:
    shutil.rmtree(draft.parent)


def _faults(draft: Path, error: Exception) -> list[str]:
    """What the cells of a notebook raised, in order, and what else ended it."""
    cells = nbformat.read(draft, as_version=4).cells if draft.is_file() else []
    raised = [out for cell in cells for out in cell.get("outputs", []) if out.output_type == "error"]
    faults = [_last_words(out.ename, out.evalue) for out in raised]
    if faults and isinstance(error, papermill.PapermillExecutionError):
        return faults
    return [*faults, _last_words(type(error).__name__, str(error))]


def _how_far(faults: list[str]) -> str:
    """How far a notebook came in its time, and what had gone wrong before."""
    said = [fault.partition(f"{OutOfTime.__name__}: ") for fault in faults]
    late = next((place for place, parts in enumerate(said) if parts[1]), None)
    if late is None:
        return (
            "what ran did not hear that its time is over, so its process was ended; each trial that ended is on record"
        )
    before = f"; before that, {'; '.join(faults[:late])}" if late else ""
    return f"{said[late][2]}{before}"


def _last_words(name: str, value: str) -> str:
    words = f"{name}: {value}"
    if absent := re.search(r"No module named '([\w.]+)'", words):  # the book's environment has no torch
        return f"it needs {absent[1]}, which is not installed here; `make setup` installs all that notebooks need"
    return words


def _refuse_unfinished(notebook: Notebook, executed: nbformat.NotebookNode) -> None:
    closed = [facts["closed"]["notebook"] for facts in _facts(executed) if "closed" in facts]
    if closed != [notebook.name]:
        raise Failed(f"its last cell, study.close(), left no mark ({closed}); the kernel died, or the cell is missing")


def _facts(executed: nbformat.NotebookNode) -> Iterator[dict[str, Any]]:
    for cell in executed.cells:
        for shown in cell.get("outputs", []):
            if facts := shown.get("metadata", {}).get("repro"):
                yield facts


def outlived(executed: nbformat.NotebookNode) -> list[str]:
    """The outcomes that told sentences of an executed notebook speak of, and that are others now."""
    return [left for fact in _facts(executed) if "told" in fact for left in fact["told"]["left"]]


def verdicts_of(executed: nbformat.NotebookNode) -> list[Verdict]:
    """The verdicts that an executed notebook reached with a scale's declared knobs."""
    facts = [fact["verdict"] for fact in _facts(executed) if "verdict" in fact]
    return [verdict_from_plain(fact["claim"], fact["scale"], fact) for fact in facts if fact["declared"]]
