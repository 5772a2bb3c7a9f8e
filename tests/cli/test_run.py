"""`repro run` over several notebooks: one that fails is told, and costs no other its run."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from repro.bookkeeping import chapters
from repro.cli import app


def test_a_notebook_that_fails_does_not_stop_the_others(monkeypatch):
    started = []

    def run(notebook, given, results, **settings):
        started.append(notebook.name)
        if len(started) == 1:
            raise chapters.Failed(f"{notebook.name} did not run to its end: planted")
        return [], []

    monkeypatch.setattr(chapters, "run", run)
    ended = CliRunner().invoke(app, ["run", "scaling-chinchilla", "--json"])

    assert ["chinchilla-refitted", "kaplan-by-counting", "planning-ahead"] == started
    assert [True, False, False] == ["failed" in one for one in json.loads(ended.stdout)]
    assert 2 == ended.exit_code
    assert "did not run to its end: planted" in ended.stderr
    assert "1 of 3 notebooks failed: chinchilla-refitted" in ended.stderr
