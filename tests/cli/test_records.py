"""`repro records`: what it takes in, what it leaves out, and that it deletes nothing unasked."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from ordeal import trial
from typer.testing import CliRunner

from repro.bookkeeping.archive import pack
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


def test_an_archive_is_taken_in_as_its_folder_would_be(ours, tmp_path):
    theirs = RecordStore(tmp_path / "theirs")
    fill(theirs, 1, 2)
    pack(theirs.folder.glob("*/*.json"), theirs.folder, tmp_path / "records.tar.gz")

    exit_code, report = command("merge", str(tmp_path / "records.tar.gz"))

    assert (0, 2) == (exit_code, report["new"])
    assert theirs.get(trial(2)) == ours.get(trial(2))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def with_a_file_outside(path: Path) -> None:
    with tarfile.open(path, "w:gz") as opened:
        opened.add(__file__, "../outside.py")


def with_a_link_outside(path: Path) -> None:
    with tarfile.open(path, "w:gz") as opened:
        link = tarfile.TarInfo("records")
        link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
        opened.addfile(link)


@pytest.mark.parametrize(
    "spoil", [cut_off, with_a_file_outside, with_a_link_outside, lambda path: path.write_text("no archive")]
)
def test_an_archive_that_is_none_or_reaches_outside_is_refused_in_one_line(ours, tmp_path, spoil):
    theirs = RecordStore(tmp_path / "theirs")
    fill(theirs, *range(20))
    archive = tmp_path / "records.tar.gz"
    pack(theirs.folder.glob("*/*.json"), theirs.folder, archive)
    spoil(archive)
    done = CliRunner().invoke(app, ["merge", str(archive)])

    assert (2, 1) == (done.exit_code, len(done.output.splitlines()))
    assert done.output.startswith(f"repro: {archive} cannot be read")
    assert not ours.folder.exists()


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
