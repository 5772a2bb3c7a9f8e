"""`repro run` over several notebooks: one that fails is told, and costs no other its run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tiny_book import CELLS, make_book
from typer.testing import CliRunner

from repro.bookkeeping import chapters
from repro.bookkeeping.chapters import execution
from repro.cli import app

ROOMS = os.pathsep.join(str(Path(__file__).parents[1] / part) for part in (".", "../src"))


def test_a_notebook_that_fails_does_not_stop_the_others(monkeypatch):
    started = []

    def run(notebook, given, results, **settings):
        started.append(notebook.name)
        if len(started) == 1:
            raise chapters.Failed(f"{notebook.name} did not run to its end: planted")
        return chapters.Run([], [], 1.5, results / "executed" / f"{notebook.name}.ipynb", None)

    monkeypatch.setattr(chapters, "run", run)
    ended = CliRunner().invoke(app, ["run", "scaling-chinchilla", "--json"])

    first, *others = sorted(path.stem for path in Path("experiments/scaling-chinchilla").glob("*.ipynb"))
    assert [first, *others] == started
    assert [True] + [False] * len(others) == ["failed" in one for one in json.loads(ended.stdout)]
    assert [1.5] * len(others) == [one["cpu_seconds"] for one in json.loads(ended.stdout)[1:]]
    assert 2 == ended.exit_code
    assert "did not run to its end: planted" in ended.stderr
    assert f"1 of {len(started)} notebooks failed: {first}" in ended.stderr


def test_a_run_that_its_time_ends_says_what_is_missing_and_how_to_go_on(monkeypatch, tmp_path):
    """The kernel is told the time, which here is over half a second into a trial that would never end."""
    hurry = (
        "import os, time\nfrom ordeal import Ordeal, ordeal\n"
        "assert 3000 < float(os.environ['REPRO_UNTIL']) - time.time() < 3600\n"
        "os.environ['REPRO_UNTIL'] = str(time.time() + 0.5)\n"
        "study.sweep(ordeal, [Ordeal(1), Ordeal(2, 'stuck'), Ordeal(3)])"
    )
    make_book(tmp_path, [*CELLS[:4], hurry, *CELLS[4:]])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ROOMS)
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path / "results"))
    words = ["run", "tiny", "--scale", "cpu", "-p", "left=10", "--on", "inline", "--within", "1h"]
    ended = CliRunner().invoke(app, [*words, "--json"])

    [told] = json.loads(ended.stdout)
    assert 3 == ended.exit_code
    assert ("1 of 3 trials of ordeal are on record", f"repro {' '.join(words)}") == (
        told["out_of_time"],
        told["to_go_on"],
    )
    assert f"{told['out_of_time']}. Sweeps after that were not begun" in ended.stderr
    assert f"To go on: {told['to_go_on']}" in ended.stderr
    assert not (tmp_path / "results" / "verdicts").exists()


def test_a_run_ends_by_naming_the_page_and_the_verdicts_that_it_wrote(monkeypatch, tmp_path):
    make_book(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ROOMS)
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("REPRO_ENGINE", "inline")
    ended = CliRunner().invoke(app, ["run", "tiny"])

    verdicts, page = (
        tmp_path / "results" / "verdicts" / "tiny.json",
        tmp_path / "results" / "executed" / "tiny-smoke.ipynb",
    )
    assert [f"  verdicts: {verdicts}", f"  page: {page}"] == ended.stdout.splitlines()[-2:]
    assert verdicts.is_file() and page.is_file()


def test_a_time_that_is_none_is_refused_before_anything_starts():
    ended = CliRunner().invoke(app, ["run", "scaling-chinchilla", "--within", "soon"])

    assert 2 == ended.exit_code
    assert "'soon' is no duration; expected seconds, minutes or hours" in ended.stderr


@pytest.mark.parametrize(("scale", "preloaded"), [("cpu", True), ("gpu", False)])
def test_no_kernel_of_a_gpu_run_is_forked_from_a_process_that_has_loaded_torch(monkeypatch, tmp_path, scale, preloaded):
    """Where such a process has asked CUDA anything, if only whether it is there, no fork of it can use the GPU."""
    loaded: list[str] = []

    class Noted(chapters.Server):
        def __init__(self, libraries=()):
            loaded.extend(libraries)
            super().__init__()

    monkeypatch.setattr(execution, "Server", Noted)
    monkeypatch.setattr(chapters, "run", lambda *_, **__: chapters.Run([], [], 0.0, Path("page"), None))
    for name in ("one", "two"):
        make_book(tmp_path, name=name)
    with (tmp_path / "experiments" / "tiny" / "scales.toml").open("a") as scales:
        scales.write('[gpu]\nscope = "sums on a card"\nleft = 100\nright = 200\n')
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["run", "tiny", "--scale", scale])

    assert "numpy" in loaded
    assert preloaded == ("torch" in loaded)


def test_notebooks_run_side_by_side_at_smoke_scale_alone():
    """Some measure times, which hold only where nothing runs beside them."""
    ended = CliRunner().invoke(app, ["run", "--all", "--scale", "cpu", "--at-once", "2"])

    assert 2 == ended.exit_code
    assert "one notebook at a time" in " ".join(ended.stderr.replace("\u2502", " ").split())
