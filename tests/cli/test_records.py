"""`repro records`: what it takes in, what it leaves out, and that it deletes nothing unasked."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ordeal import trial
from typer.testing import CliRunner

from repro.bookkeeping import archive
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


def test_old_records_are_given_their_digest_and_an_edited_one_is_not(ours):
    fill(ours, 1, 2, 3)
    whole = ours.path(trial(1)).read_text()
    for number in (1, 2):
        path = ours.path(trial(number))
        path.write_text(re.sub(' "digest": ".*",\n', "", path.read_text()))
    edited = ours.path(trial(3))
    edited.write_text(edited.read_text().replace("0.5", "0.6"))

    exit_code, report = command("digest")

    assert (1, 2, 1) == (exit_code, len(report["given"]), len(report["broken"]))
    assert whole == ours.path(trial(1)).read_text()
    edited.unlink()
    assert (0, {"given": [], "broken": []}) == command("digest")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def with_a_member(
    name: str, kind: bytes = tarfile.REGTYPE, size: int = 2, linkname: str = ""
) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with tarfile.open(path, "w:gz") as opened:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, size, linkname
            opened.addfile(member, Zeros())

    return spoil


class Zeros:
    """A file without an end."""

    def read(self, size: int) -> bytes:
        return bytes(size)


BOMB = 2**22  # bytes
KEY = f"records/ordeal/{'0' * 64}.json"
SPOILED = {
    "cut off": cut_off,
    "no archive": lambda path: path.write_text("no archive"),
    "empty": lambda path: path.write_bytes(b""),
    "an empty archive": lambda path: tarfile.open(path, "w:gz").close(),
    "without a record": with_a_member("notes.txt"),
    "a path upward": with_a_member("../outside.json"),
    "a path upward from within": with_a_member("records/ordeal/../../../outside.json"),
    "a path from the root": with_a_member("/tmp/outside.json"),
    "a link outward": with_a_member("records", tarfile.SYMTYPE, 0, "/tmp"),
    "a link inward": with_a_member(KEY, tarfile.SYMTYPE, 0, "other.json"),
    "a hard link": with_a_member(KEY, tarfile.LNKTYPE, 0, "/etc/passwd"),
    "a pipe": with_a_member(KEY, tarfile.FIFOTYPE, 0),
    "a device": with_a_member(KEY, tarfile.CHRTYPE, 0),
    "a bomb": with_a_member(KEY, size=BOMB),
    "a bomb beside the records": with_a_member("zeros", size=BOMB),
    "a bomb in a header": with_a_member("comment", tarfile.XHDTYPE, BOMB),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_an_archive_that_is_none_or_reaches_outside_is_refused_in_one_line(ours, tmp_path, monkeypatch, kind):
    """And nothing of it is taken in, nor written anywhere else."""
    monkeypatch.setattr(archive, "LARGEST", BOMB // 4)
    theirs = RecordStore(tmp_path / "theirs")
    fill(theirs, *range(20))
    packed = tmp_path / "records.tar.gz"
    pack(theirs.folder.glob("*/*.json"), theirs.folder, packed)
    SPOILED[kind](packed)
    done = CliRunner().invoke(app, ["merge", str(packed)])

    assert (2, 1) == (done.exit_code, len(done.output.splitlines()))
    assert done.output.startswith(f"repro: {packed} cannot be read")
    assert not ours.folder.exists()
    assert {"records.tar.gz", "theirs"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("top", ["records/", "", "./records/"])
def test_an_archive_that_somebody_else_packed_is_taken_in_too(ours, tmp_path, top):
    """By its records, whatever else lies in it; one that is broken is named by its place in the archive."""
    theirs = RecordStore(tmp_path / "theirs")
    fill(theirs, 1, 2)
    broken = theirs.path(trial(2))
    broken.write_text(broken.read_text().replace("0.5", "0.6"))
    with tarfile.open(tmp_path / "all.tgz", "w:gz") as opened:
        opened.add(__file__, "verdicts/notes.json.txt")
        opened.add(theirs.folder, top or ".")

    exit_code, report = command("merge", str(tmp_path / "all.tgz"))

    assert (1, 1) == (exit_code, report["new"])
    assert report["malformed"][0].startswith(f"{tmp_path}/all.tgz: records/ordeal/{broken.name} was edited")


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
