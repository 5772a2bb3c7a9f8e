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


def test_the_command_gives_json_and_a_table():
    small = ["decoding", "--size", "tiny", "--tokens", "2", "--rounds", "8"]

    assert "tiny" == json.loads(CliRunner().invoke(app, [*small, "--json"]).stdout)["sizes"][0]["name"]
    assert "identical" in CliRunner().invoke(app, small).stdout


def test_a_size_that_is_not_timed_is_refused():
    with pytest.raises(ValueError, match="no size 7B; expected some of tiny"):
        bench.bench_decoding(sizes=("7B",))
