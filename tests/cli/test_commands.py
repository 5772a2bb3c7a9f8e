"""A command costs what it uses: its module is imported when it is called, and printing the ledger measures nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from small_book import make_small_book
from typer.testing import CliRunner

from repro.bookkeeping.chapters.check import Checked
from repro.cli import app
from repro.cli.commands import NAMES, load, summary
from repro.floor.doors import measuring_modules

CALLED = """
import sys
from repro.cli import app
try:
    app({words!r})
finally:
    print(*sys.modules, file=sys.stderr)
"""


def modules_of(*words: str) -> set[str]:
    """What a fresh process has imported once the command has run."""
    program = CALLED.format(words=list(words))
    return set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr.split())


@pytest.mark.parametrize("name", NAMES)
def test_the_line_that_is_listed_is_the_commands_own(name: str):
    """It is read from the file; the command has it from its function."""
    command = load(name)

    assert name == command.name
    assert summary(name) == command.help.partition("\n")[0] != ""


def test_help_lists_every_command_and_imports_none():
    listed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout

    assert [] == [name for name in NAMES if f"{name} " not in listed or summary(name) not in listed]
    assert set() == modules_of("--help") & {f"repro.cli.{name}" for name in NAMES}


def test_a_mistyped_command_is_told_the_nearest():
    ended = CliRunner().invoke(app, ["clams"])

    assert (2, True) == (ended.exit_code, "Did you mean 'claims'?" in ended.stderr)


HEAVY = {"torch", "transformers", "statsmodels", "matplotlib", "papermill", "IPython", "scipy", "pandas"}


@pytest.mark.parametrize(
    "words", [["claims"], ["size", "llama-3-8b"], ["data", "list"], ["fit", "--help"]], ids=" ".join
)
def test_a_command_that_reads_imports_no_measurement_and_nothing_heavy(words: list[str]):
    """`python -X importtime` of the command shows who does, where this fails."""
    imported = modules_of(*words)

    assert f"repro.cli.{words[0]}" in imported
    assert set() == imported & {*HEAVY, *measuring_modules()}


def test_status_knows_the_measurements_without_what_fits_and_draws():
    imported = modules_of("status")

    assert set(measuring_modules()) <= imported
    assert set() == imported & (HEAVY - {"scipy"} | {"scipy.stats", "scipy.optimize"})


def test_claims_names_controls_fits_and_alarms(tmp_path, monkeypatch):
    """Controls alone, or findings alone; a refuted control is called an alarm."""
    make_small_book(tmp_path)
    monkeypatch.chdir(tmp_path)
    (verdicts,) = tmp_path.glob("results/verdicts/*.json")

    def told(*options: str) -> list[str]:
        lines = CliRunner().invoke(app, ["claims", *options], env={"COLUMNS": "200"}).stdout.splitlines()
        return [line for line in lines if line[:1].strip()]

    control, count = told("--control")
    assert control.startswith("supported     cache-halves  control  2 [2, 2] B/B")
    assert "1 of 12 claims; controls among them: 1" == count
    assert [] == [line for line in told("--no-control") if "cache-halves" in line]
    entries = tmp_path / "experiments" / "scaling-chinchilla" / "claims.toml"
    entries.write_text(entries.read_text().replace('metric = "steps saved"', 'metric = "steps"\none_fit = "the-fit"'))
    assert 2 == sum("one fit: the-fit" in line for line in told())
    verdicts.write_text(verdicts.read_text().replace('"supported"', '"refuted"'))
    assert told("--control")[0].startswith("refuted       cache-halves  ALARM: a refuted control")


def test_check_fails_on_a_refuted_control(tmp_path, monkeypatch):
    """Nothing has drifted; what was committed is itself the alarm."""
    make_small_book(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book" / "findings.toml").write_text("")  # one of them has outlived its verdict
    monkeypatch.setattr("repro.bookkeeping.chapters.check", lambda *_, **__: Checked([], []))
    (verdicts,) = tmp_path.glob("results/verdicts/*.json")
    sound = CliRunner().invoke(app, ["check"], env={"COLUMNS": "200"})
    verdicts.write_text(verdicts.read_text().replace('"supported"', '"refuted"'))
    alarmed = CliRunner().invoke(app, ["check"], env={"COLUMNS": "200"})

    assert (0, 1) == (sound.exit_code, alarmed.exit_code)
    assert "alarm: the control cache-halves is refuted" in alarmed.stdout
    assert "0 records without a digest, 0 rivals that are not refuted, 1 alarms" in alarmed.stdout
