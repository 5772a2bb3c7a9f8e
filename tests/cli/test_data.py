"""`repro data`: what is at hand, and one clear message where something is not."""

import json

import pytest
from typer.testing import CliRunner

from repro.cli.data import app
from repro.corpora.tables.tables import tables


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of REPRO_DATA that holds nothing."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    return tmp_path


def test_every_table_is_listed_with_its_state(folder):
    """Nothing is at hand; a file of other bytes is called what it is."""
    (folder / "gemstones_hot.csv").write_text("run_name\n")
    listed = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    states = {entry["name"]: entry["state"] for entry in listed}
    assert {name: "wrong bytes" if name == "gemstones_hot" else "no" for name in tables()} == states
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert "gadre_104_models" in shown and f"{len(tables()) - 1} of {len(tables())} are not at hand" in shown


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["nope"], "no public table is named 'nope'"),
        (["datablations_182_runs"], "cannot be fetched by this command"),
        ([], "either one name or --all"),
        (["gemstones_hot", "--all"], "either one name or --all"),
    ],
)
def test_what_cannot_be_fetched_is_told(folder, arguments, reason):
    """Exit code 2 and the reason."""
    result = CliRunner().invoke(app, ["fetch", *arguments])
    assert 2 == result.exit_code
    assert reason in result.output
