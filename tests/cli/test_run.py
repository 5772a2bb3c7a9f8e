"""`repro run` over several notebooks: one that fails is told, and costs no other its run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repro.bookkeeping import chapters
from repro.bookkeeping.chapters import execution
from repro.cli import app


def test_a_notebook_that_fails_does_not_stop_the_others(monkeypatch):
    started = []

    def run(notebook, given, results, **settings):
        started.append(notebook.name)
        if len(started) == 1:
            raise chapters.Failed(f"{notebook.name} did not run to its end: planted")
        return chapters.Run([], [], 1.5)

    monkeypatch.setattr(chapters, "run", run)
    ended = CliRunner().invoke(app, ["run", "scaling-chinchilla", "--json"])

    first, *others = sorted(path.stem for path in Path("experiments/scaling-chinchilla").glob("*.ipynb"))
    assert [first, *others] == started
    assert [True] + [False] * len(others) == ["failed" in one for one in json.loads(ended.stdout)]
    assert [1.5] * len(others) == [one["cpu_seconds"] for one in json.loads(ended.stdout)[1:]]
    assert 2 == ended.exit_code
    assert "did not run to its end: planted" in ended.stderr
    assert f"1 of {len(started)} notebooks failed: {first}" in ended.stderr


@pytest.mark.parametrize(("scale", "preloaded"), [("cpu", True), ("gpu", False)])
def test_no_kernel_of_a_gpu_run_is_forked_from_a_process_that_has_loaded_torch(monkeypatch, scale, preloaded):
    """Where such a process has asked CUDA anything, if only whether it is there, no fork of it can use the GPU."""
    loaded: list[str] = []

    class Noted(chapters.Server):
        def __init__(self, libraries=()):
            loaded.extend(libraries)
            super().__init__()

    monkeypatch.setattr(execution, "Server", Noted)
    monkeypatch.setattr(chapters, "run", lambda notebook, given, results, **settings: chapters.Run([], [], 0.0))
    CliRunner().invoke(app, ["run", "scaling-chinchilla", "--scale", scale])

    assert "numpy" in loaded
    assert preloaded == ("torch" in loaded)


def test_notebooks_run_side_by_side_at_smoke_scale_alone():
    """Some measure times, which hold only where nothing runs beside them."""
    ended = CliRunner().invoke(app, ["run", "--all", "--scale", "cpu", "--at-once", "2"])

    assert 2 == ended.exit_code
    assert "one notebook at a time" in " ".join(ended.stderr.replace("\u2502", " ").split())
