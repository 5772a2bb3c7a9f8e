"""`repro records`: what it takes in, what it leaves out, and that it deletes nothing unasked."""

from __future__ import annotations

import json

import pytest
from ordeal import trial
from typer.testing import CliRunner

from repro.bookkeeping.records import RecordStore, record_of
from repro.cli.records import app


@pytest.fixture
def ours(tmp_path, monkeypatch) -> RecordStore:
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path / "ours"))
    return RecordStore(tmp_path / "ours" / "records")


def command(*words: str) -> tuple[int, dict]:
    done = CliRunner().invoke(app, [*words, "--json"])
    return done.exit_code, json.loads(done.output)


def fill(store: RecordStore, *numbers: int, value: float = 0.5) -> None:
    for number in numbers:
        store.put(record_of(trial(number), {"sum": value}, {}))


def test_merge_takes_in_what_is_new_and_fails_where_records_disagree(ours, tmp_path):
    theirs = str(tmp_path / "theirs")
    fill(RecordStore(tmp_path / "theirs" / "records"), 1, 2)

    assert (0, {"new": 2, "identical": 0, "conflicting": [], "malformed": []}) == command("merge", theirs)

    fill(RecordStore(tmp_path / "others"), 2, value=0.75)
    exit_code, report = command("merge", str(tmp_path / "others"))

    assert (1, 1) == (exit_code, len(report["conflicting"]))
    assert 0.5 == ours.get(trial(2)).numbers["sum"]


def test_merging_a_folder_without_records_is_refused_in_one_line(ours, tmp_path):
    done = CliRunner().invoke(app, ["merge", str(tmp_path)])

    assert 2 == done.exit_code
    assert done.output.startswith(f"repro: {tmp_path} holds no records")


def test_prune_lists_and_deletes_only_when_told_to(ours):
    fill(ours, 1)
    path = ours.path(trial(1))
    stale = path.rename(path.with_stem("0" * 64))
    fill(ours, 2)

    exit_code, report = command("prune")
    assert (0, False, 1) == (exit_code, report["deleted"], len(report["stale"]))
    assert stale.exists()

    assert command("prune", "--yes")[1]["deleted"]
    assert not stale.exists()
    assert ours.path(trial(2)).exists()
