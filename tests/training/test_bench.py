"""The benchmark of training, in small."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from repro.cli.bench import app
from repro.models.transformer import Transformer
from repro.training import bench
from repro.training.bench import bench_training, decoder_of
from repro.training.plain import PlainModel


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(bench, "RUNS", 3)
    monkeypatch.setattr(bench, "WARM_UP", 1)


def test_the_yardstick_is_the_same_decoder():
    """With our weights it gives our logits, so the two loops differ in how they work and not in what."""
    torch.manual_seed(0)
    ours = Transformer(decoder_of(32))
    plain = PlainModel(ours.shape)
    plain.load_state_dict(ours.state_dict())
    tokens_BT = torch.randint(ours.shape.vocabulary, (2, 64))

    torch.testing.assert_close(ours(tokens_BT), plain(tokens_BT), rtol=1e-4, atol=1e-4)


def test_every_side_is_timed_and_set_against_the_plain_loop():
    found = bench_training(widths=(32,), steps=1, rounds=8, compiled=False)

    assert ["plain", "eager"] == list(found.widths[0].tokens_a_second)
    for value, low, high in (*found.widths[0].ratios.values(), found.together):
        assert 0 < low <= value <= high
    assert torch.cuda.is_available() == (found.utilisation is not None)


def test_where_time_is_short_nothing_is_compiled_and_the_fewest_rounds_are_run():
    timed = bench_training(widths=(32,), steps=10, rounds=12, seconds=0.1, compiled=True).widths[0]

    assert ["plain", "eager"] == list(timed.tokens_a_second)
    assert (1, bench.FEWEST) == (timed.steps, timed.rounds)


OPTIONS = ["training", "--width", "32", "--steps", "1", "--rounds", "8", "--no-compiled"]


def test_the_command_prints_one_json_object():
    result = CliRunner().invoke(app, [*OPTIONS, "--json"])

    assert 0 == result.exit_code
    assert 32 == json.loads(result.stdout)["widths"][0]["width"]


def test_the_table_says_which_goals_were_missed():
    result = CliRunner().invoke(app, OPTIONS, env={"COLUMNS": "200"})

    assert "goal of 1.25 times" in result.stdout
    assert "goal: less than 4 times" in result.stdout
