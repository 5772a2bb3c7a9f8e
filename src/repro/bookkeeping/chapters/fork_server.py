"""The process that kernels are forked from: it has loaded libraries and run no notebook.

`kernels.py` starts this file as a script, so that it loads nothing of this package: what a kernel has loaded of it by
its end, its notebook asked for. The script's argument says in JSON what to load. Standard input brings one request per
line, in JSON too, and each has one answer: {"arguments": [...], "env": {...}, "cwd": ...} forks a kernel, and
{"ended": pid} asks how it ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, TextIO

WATCH = 0.5  # seconds between two looks at whether the command is still there
# What ipykernel sets in a kernel. Matplotlib reads it when it is loaded, which is here, before there is a kernel.
BACKEND = "module://matplotlib_inline.backend_inline"


def main() -> None:
    """Load, then fork until standard input ends."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a kernel has no standard input,
    os.dup2(2, 1)  # and what it writes past Jupyter is no answer of this process
    os.environ.setdefault("MPLBACKEND", BACKEND)
    with ending_with(os.getppid()):
        load(**json.loads(sys.argv[1]))
    gc.collect()
    gc.freeze()  # else the collector of each kernel would touch, and so copy, all of this memory
    request = serve(requests, answers)
    requests.close()
    with suppress(BrokenPipeError):
        answers.close()
    if request:
        become_kernel(**request)


@contextmanager
def ending_with(parent: int) -> Iterator[None]:
    """While this is open, end this process soon after its parent: libraries may take longer to load than that lives."""

    def look(number: int, frame: FrameType | None) -> None:
        if os.getppid() != parent:
            os._exit(1)

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, WATCH, WATCH)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def load(modules: Sequence[str], shelved: Mapping[str, Sequence[str]]) -> None:
    """Import what is installed of `modules`, and put the packages `shelved` on the shelf."""
    for module in modules:
        with suppress(ModuleNotFoundError):  # a notebook that needs it says so itself
            importlib.import_module(module)
    sys.meta_path.insert(0, Shelf({name: needs for name, needs in shelved.items() if name in sys.modules}))


class Shelf(MetaPathFinder, Loader):
    """Loaded packages that a kernel finds in `sys.modules` only once it imports them, as if it had loaded them itself.

    So a record, which names the packages that its process has loaded, never names one for having been loaded here.
    """

    def __init__(self, needs: Mapping[str, Sequence[str]]) -> None:
        """Take packages off `sys.modules`, each with those that it loads of the others."""
        self._needs = needs
        self._modules = {name: _off(name) for name in needs}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """How to load a package of the shelf; to be asked puts nothing back, since libraries ask what is installed."""
        if name not in self._modules:
            return None
        own = self._modules[name][name].__spec__
        assert own is not None
        spec = ModuleSpec(name, self, origin=own.origin, loader_state=own, is_package=True)
        spec.submodule_search_locations = own.submodule_search_locations
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        for name in (spec.name, *self._needs[spec.name]):
            sys.modules.update(self._modules.pop(name, {}))
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = (
            module.__spec__.loader_state
        )  # it ran before; Python has just written another one over its own


def _off(package: str) -> dict[str, ModuleType]:
    """Take a package off `sys.modules`; returns its modules."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == package}


def serve(requests: TextIO, answers: TextIO) -> dict[str, Any] | None:
    """Answer requests; returns the request in each kernel, and None in the server once there are no more."""
    kernels: set[int] = set()
    for line in requests:
        request = json.loads(line)
        if "ended" in request:
            answer = ended(request["ended"])
            if answer:
                kernels.discard(request["ended"])
        else:
            pid = fork()
            if pid == 0:
                return dict(request)
            kernels.add(pid)
            answer = {"pid": pid}
        try:
            print(json.dumps(answer), file=answers, flush=True)
        except BrokenPipeError:  # killed between its question and the answer
            break
    for pid in kernels:  # the command is over, by whatever way
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # it may not lead its group yet
        end_group(pid)
        os.waitpid(pid, 0)
    return None


def end_group(pid: int) -> None:
    """Kill what is left of the processes that a kernel started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: all of them have ended
        os.killpg(pid, signal.SIGKILL)


def fork() -> int:
    """`os.fork`, whose child leads a session and process group of its own, as a kernel of Jupyter does.

    Python 3.12 warns of threads. Those here are of libraries that end or renew them around a fork (OpenBLAS, jemalloc);
    a test holds that there is no other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.setsid()
    return pid


def ended(pid: int) -> dict[str, float]:
    """Exit code and CPU seconds of a kernel and of the processes that it waited for; empty while it runs."""
    reaped, status, used = os.wait4(pid, os.WNOHANG)
    if not reaped:
        return {}
    end_group(pid)
    return {"code": os.waitstatus_to_exitcode(status), "cpu_seconds": used.ru_utime + used.ru_stime}


def become_kernel(arguments: list[str], env: dict[str, str], cwd: str) -> None:
    """Run a notebook's kernel in this process until it is shut down."""
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["ipykernel_launcher", *arguments]
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # as in a fresh process; Python's own generator does so itself
    IPKernelApp.launch_instance(parent_handle=os.getppid())  # ends when the server does


if __name__ == "__main__":
    main()
