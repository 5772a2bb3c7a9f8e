"""Warm kernels: each a process of its own, forked from one that has loaded the libraries and run no notebook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

# What nearly every notebook loads of libraries, and what many load where they compute.
LIBRARIES = (
    "numpy",
    "pandas",
    "scipy.stats",
    "scipy.optimize",
    "statsmodels.api",
    "matplotlib.pyplot",
    "pydantic",
    "yaml",
    "rich.progress",
    "pygments.lexers",
    "pygments.formatters",
    "IPython",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
)
TRAINING = ("torch",)
# Not every process that opens a study loads these, and provenance names them: (package, what it loads of the others).
SHELVED: dict[str, tuple[str, ...]] = {"scipy": (), "statsmodels": ("scipy",), "torch": ()}


class Server:
    """The process that kernels are forked from, for as long as this is open; no kernel outlives it."""

    def __init__(self, libraries: Iterable[str] = ()) -> None:
        """Start it.

        Args:
            libraries: modules to load before the first kernel; those that are not installed are passed over. Only on
                Linux: elsewhere a library that was loaded may not survive a fork (Apple's Accelerate does not).
        """
        script = Path(__file__).with_name("fork_server.py")
        what = {"modules": list(libraries) if sys.platform == "linux" else [], "shelved": SHELVED}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            # -P: else modules of this folder would hide libraries of their names
            [sys.executable, "-P", str(script), json.dumps(what)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The server's answer.

        Raises:
            ServerGone: it has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            try:
                print(json.dumps(request), file=self._process.stdin, flush=True)
                line = self._process.stdout.readline()
            except (OSError, ValueError) as error:  # a broken pipe, a closed one
                raise ServerGone from error
        if not line:
            raise ServerGone
        return dict(json.loads(line))

    def close(self) -> None:
        """End the server and all its kernels."""
        with self._lock:
            self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ServerGone(RuntimeError):
    """The process that kernels are forked from has ended."""

    def __init__(self) -> None:
        super().__init__("the process that kernels are forked from has ended; what it wrote last says why")


class Kernel:
    """A forked kernel, with the methods of `subprocess.Popen` that jupyter_client calls."""

    stdin = stdout = stderr = None

    def __init__(self, server: Server, pid: int) -> None:
        self.pid, self._server = pid, server
        self.returncode: int | None = None
        self.cpu_seconds = 0.0  # with the processes that it started and waited for; known once it has ended

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        if self.returncode is None:
            try:
                answer = self._server.ask(ended=self.pid)
            except ServerGone:
                answer = {"code": -signal.SIGKILL, "cpu_seconds": 0.0}  # it takes its kernels with it
            if answer:
                self.returncode, self.cpu_seconds = int(answer["code"]), float(answer["cpu_seconds"])
        return self.returncode

    wait = poll  # called once poll has given an exit code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Forked(LocalProvisioner):
    """Starts a kernel by asking a server for it, where Jupyter's own starts an interpreter."""

    server: Server
    kernels: list[Kernel]

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        arguments = cmd[cmd.index("-f") :]  # before them stands the command of a fresh interpreter
        answer = self.server.ask(arguments=arguments, env=kwargs["env"], cwd=kwargs.get("cwd") or os.getcwd())
        kernel = Kernel(self.server, answer["pid"])
        self.kernels.append(kernel)
        self.process = cast("subprocess.Popen[str]", kernel)
        self.pid = self.pgid = kernel.pid
        return self.connection_info


def _sockets() -> str:
    """The common beginning of a kernel's socket names; five TCP ports could be taken by others before it binds them.

    On Linux the names lie in no folder (the @, see `man 7 unix`), so none is left behind, and none is too long.
    """
    return f"{'@' if sys.platform == 'linux' else '/tmp/'}repro-{uuid.uuid4().hex}"


def manager(server: Server, kernels: list[Kernel]) -> type[AsyncKernelManager]:
    """The class of kernel managers, for `nbclient`, whose kernels `server` forks; each is noted in `kernels`."""

    class Manager(AsyncKernelManager):
        def __init__(self, **traits: Any) -> None:
            super().__init__(transport="ipc", ip=_sockets(), **traits)
            self.provisioner = Forked(parent=self, kernel_spec=self.kernel_spec)
            self.provisioner.server, self.provisioner.kernels = server, kernels

    return Manager
