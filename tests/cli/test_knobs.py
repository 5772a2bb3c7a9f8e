"""`repro knobs` writes the parameters cell of a notebook that exists, and says whether it had to."""

from __future__ import annotations

from pathlib import Path

from tiny_book import make_book
from typer.testing import CliRunner

from repro.cli import app


def test_the_cell_is_written_once(tmp_path: Path, monkeypatch):
    notebook = make_book(tmp_path)
    monkeypatch.chdir(tmp_path)
    ended = [CliRunner().invoke(app, ["knobs", "tiny"]) for _ in range(2)]

    assert ["tiny: written\n", "tiny: right already\n"] == [one.stdout for one in ended]
    assert "left = None  # summand" in notebook.path.read_text(encoding="utf-8")


def test_a_name_that_no_notebook_has_is_refused():
    assert (2, True) == ((ended := CliRunner().invoke(app, ["knobs", "sizs"])).exit_code, "mean sizes" in ended.stderr)
