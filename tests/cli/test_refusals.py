"""What a reader can mend is refused in one sentence, with exit code 2 and no traceback."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ordeal import trial
from typer.testing import CliRunner

from repro.bookkeeping.records import record_of
from repro.bookkeeping.records.record import text_of
from repro.cli import app, commands

BROKEN = "a.json is no whole verdict file"
REFUSED = {
    "run sizes --on mars": "--on) is 'mars'; expected one of",
    "run sizes --shard 5/3": "--shard) is '5/3'; expected",
    "run nowhere": "no notebook or chapter 'nowhere'",
    "claims": BROKEN,
    "status": BROKEN,
    "check": BROKEN,
    "check sizes nowhere": "no notebook or chapter 'nowhere'",
    "compare nowhere": "nowhere holds no verdicts",
    "records merge nowhere": "nowhere holds no records",
    "fit empty.csv": "empty.csv: the file is empty",
    "size nowhere": "neither a file nor a published model",
    "data unpack nowhere": "does not exist",
    "bench decoding --size 7B": "no size 7B; expected some of",
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_slip_is_refused_in_a_sentence(words: str, tmp_path: Path, monkeypatch):
    (tmp_path / "verdicts").mkdir()
    (tmp_path / "verdicts" / "a.json").write_text("{")
    (tmp_path / "empty.csv").touch()
    for name in ("ENGINE", "SHARD"):
        monkeypatch.setenv(f"REPRO_{name}", "")  # so that what the command sets is undone
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    ended = CliRunner().invoke(app, words.split(), env={"COLUMNS": "400"})

    assert (2, True) == (ended.exit_code, REFUSED[words] in ended.stderr)
    assert isinstance(ended.exception, SystemExit)


ELSEWHERE = "Read-only file system; REPRO_RESULTS names another folder"
ROOM = "No space left on device; make room and run it again: what is on record is whole"


@pytest.mark.parametrize(("number", "told"), [(errno.EROFS, ELSEWHERE), (errno.ENOSPC, ROOM)])
@pytest.mark.parametrize("words", ["run sizes", "records merge theirs"])
def test_what_the_system_refuses_is_told_with_the_file_in_a_sentence(tmp_path, monkeypatch, words, number, told):
    theirs = tmp_path / "theirs" / "ordeal" / f"{trial(1).key}.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text(text_of(record_of(trial(1), {"sum": 0.5}, {})))
    results = tmp_path / "results"

    def mkdir(path: Path, *given: object, made=Path.mkdir, **named: object) -> None:
        if path.is_relative_to(results):
            raise OSError(number, os.strerror(number), str(path))
        made(path, *given, **named)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setenv("REPRO_RESULTS", str(results))
    ended = CliRunner().invoke(app, words.replace("theirs", str(theirs.parents[1])).split())

    assert (2, True) == (ended.exit_code, told in ended.stderr)
    assert ended.stderr.startswith(f"repro: {results}")
    assert 1 == len(ended.stderr.splitlines())


def test_a_library_that_is_absent_is_named_with_what_installs_it(monkeypatch):
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="torch.nn")

    monkeypatch.setattr(commands, "load", absent)

    ended = CliRunner().invoke(app, ["bench", "training"])

    assert (2, True) == (ended.exit_code, "needs torch, which is not installed here; `make setup`" in ended.stderr)
