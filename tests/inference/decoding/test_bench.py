"""The benchmark of decoding, in small."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from repro.cli.bench import app
from repro.inference.decoding import bench
from repro.models.decoder import Decoder


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setattr(bench, "SHAPES", {"tiny": Decoder(vocabulary=40, width=16, layers=1, heads=2, context=48)})


def test_every_side_writes_the_same_tokens_and_is_set_against_transformers():
    [found] = bench.bench_decoding(sizes=("tiny",), tokens=4, rounds=8).sizes

    assert found.identical
    assert set(found.milliseconds) - {"transformers"} == set(found.ratios)
    assert all(0 < low <= value <= high for value, low, high in found.ratios.values())


def test_rounds_are_left_out_where_time_is_short_but_no_more_than_an_interval_needs():
    [short] = bench.bench_decoding(sizes=("tiny",), tokens=2, rounds=11, seconds=0.0).sizes
    [ample] = bench.bench_decoding(sizes=("tiny",), tokens=2, rounds=11, seconds=60.0).sizes

    assert (8, 11) == (short.rounds, ample.rounds)


def test_on_a_gpu_a_graph_writes_the_same_tokens_beside_them(gpu):
    [found] = bench.bench_decoding(sizes=("tiny",), tokens=4, rounds=8).sizes

    assert found.identical and "lean, graph" in found.ratios
    assert gpu.graph_replays == 4 * (2 + found.rounds)


def test_the_command_gives_json_and_a_table():
    small = ["decoding", "--size", "tiny", "--tokens", "2", "--rounds", "8"]

    assert "tiny" == json.loads(CliRunner().invoke(app, [*small, "--json"]).stdout)["sizes"][0]["name"]
    assert "identical" in CliRunner().invoke(app, small).stdout


def test_a_size_that_is_not_timed_is_refused():
    with pytest.raises(ValueError, match="no size 7B; expected some of tiny"):
        bench.bench_decoding(sizes=("7B",))
