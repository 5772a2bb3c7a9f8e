"""What every test stands on: one thread a process, no window system, no folder of the person who runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from imitated_gpu import ImitatedGPU

# Before numpy is imported anywhere: workers that each start a thread per core slow one another down.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# ipykernel would else warn that frozen modules hide breakpoints.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let autograd see the imitated GPU: it counts devices at the first backward pass of a process, and never again."""
    if any("gpu" in getattr(item, "fixturenames", ()) for item in session.items):
        import torch
        from imitated_gpu import imitated_gpu

        with imitated_gpu():
            torch.ones(1, device="cuda", requires_grad=True).sum().backward()


@pytest.fixture(autouse=True)
def no_personal_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A test sees the checkout's own results and an empty cache, wherever the person's variables point."""
    for variable in ("REPRO_RESULTS", "REPRO_CHECKPOINTS", "REPRO_ENGINE", "REPRO_JOBS", "REPRO_SHARD", "REPRO_UNTIL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImitatedGPU]:
    """A process that sees an imitated GPU and no weights of earlier runs, and what was launched on it."""
    from accelerate.state import AcceleratorState
    from imitated_gpu import imitated_gpu

    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
    AcceleratorState._reset_state(reset_partial_state=True)  # it holds on to the first device that it saw
    with imitated_gpu() as gpu:
        yield gpu
    AcceleratorState._reset_state(reset_partial_state=True)
