"""Commands that run in a process of their own, to be killed; and whether what they started is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from typer.testing import CliRunner

from repro.cli import app

ORPHAN = 5.0  # seconds that what a command started may outlive it
MARK = "REPRO_TORTURE"  # an environment variable, by which what a command started is known

Command = Callable[[], object]


class Victim:
    """A forked process that runs a command; forking spares each of hundreds the loading of its libraries."""

    def __init__(self, command: Command) -> None:
        """Start it, in a process group of its own."""
        self.mark, self._words = uuid4().hex, b""
        self._reading, writing = os.pipe()  # no file, which might find the disk full
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 2**20)
        os.set_blocking(self._reading, False)
        self.pid = os.fork()
        if self.pid == 0:
            self._become(command, writing)
        os.close(writing)

    def _become(self, command: Command, writing: int) -> None:
        code = 1
        try:
            os.setsid()
            os.environ[MARK] = self.mark
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            code = int(command() or 0)  # type: ignore[call-overload]
        except BaseException:  # noqa: BLE001 - it is looked for in what was said
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def kill_after(self, seconds: float, number: int, *, group: bool) -> None:
        """Send it, or its process group, a signal; it may have ended before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.002)
        try:
            (os.killpg if group else os.kill)(self.pid, number)
        except ProcessLookupError:  # it leads no group yet
            os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit code, below zero if a signal ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def orphans(self) -> list[int]:
        """What it started and is still there five seconds later; that is killed then."""
        deadline = time.monotonic() + ORPHAN
        while (left := list(self._started())) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return left

    def _started(self) -> Iterator[int]:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    yield int(folder.name)
            except OSError:  # it has ended, or is not ours
                continue

    def said(self) -> str:
        """What it has written so far, on either stream."""
        with suppress(OSError):  # nothing more yet, or closed
            while part := os.read(self._reading, 2**20):
                self._words += part
        return self._words.decode(errors="replace")

    def close(self) -> tuple[int, int]:
        """How many processes it left, and how many tracebacks it showed."""
        orphans = len(self.orphans())
        # Python's own start of a pool's worker, which finds its parent gone before any code of ours runs.
        starts = self.said().count("reduction.pickle.load(from_parent)")
        tracebacks = self.said().count("Traceback (most recent call last)") - starts
        os.close(self._reading)
        return orphans, tracebacks


def repro(*words: str) -> Command:
    """The command line, as its script runs it."""

    def command() -> int:
        try:
            app(list(words))
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return command


def told(*words: str) -> str:
    """What a command says in this process, if it ends with an exit code; else the exception that it ended with."""
    ended = CliRunner().invoke(app, list(words), env={"COLUMNS": "300"})
    if isinstance(ended.exception, SystemExit | None):
        return str(ended.output)
    return f"Traceback (most recent call last): {ended.exception!r}"


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """While this is open, commands find their checkout and keep their results in a folder."""
    before, here = dict(os.environ), Path.cwd()
    os.environ |= {"REPRO_RESULTS": str(folder / "results"), "REPRO_ENGINE": "inline", "TMPDIR": str(folder)}
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ |= before
