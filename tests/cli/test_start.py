"""Commands that answer at once: their CPU time is held to the benchmark's goals."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from repro.cli import app
from repro.cli.bench import cpu_seconds


@pytest.mark.parametrize("name", ["--help", "completion", "claims"])
def test_a_command_answers_within_its_goal(name: str):
    """With room for a machine that does other things as well; `repro bench start` gives the figure."""
    timed = cpu_seconds.bench_start(rounds=2, names=[name])

    assert timed.ratios[name] < 1.5 * timed.goals[name]


@pytest.mark.slow
def test_every_command_answers_within_its_goal():
    ended = CliRunner().invoke(app, ["bench", "start", "--json", "--rounds", "3"])

    assert [] == json.loads(ended.stdout)["missed"]


def test_a_command_that_fails_is_not_timed(monkeypatch):
    monkeypatch.setitem(cpu_seconds.COMMANDS, "typo", cpu_seconds.Command(("clams",), 1))

    with pytest.raises(RuntimeError, match="repro clams ended with 2"):
        cpu_seconds.bench_start(rounds=1, names=["typo"])


def test_a_goal_can_be_missed():
    timed = cpu_seconds.StartBench(1, 0.2, {"claims": 4.0}, {"claims": 20.0}, {"claims": 6})

    assert ["claims"] == timed.missed
