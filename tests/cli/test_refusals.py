"""What a reader can mend is refused in one sentence, with exit code 2 and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

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


def test_a_library_that_is_absent_is_named_with_what_installs_it(monkeypatch):
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="torch.nn")

    monkeypatch.setattr(commands, "load", absent)

    ended = CliRunner().invoke(app, ["bench", "training"])

    assert (2, True) == (ended.exit_code, "needs torch, which is not installed here; `make setup`" in ended.stderr)
