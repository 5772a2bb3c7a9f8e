"""What the library does on a GPU and no notebook does: its benchmarks."""

from __future__ import annotations

import pytest
from imitated_gpu import NAME, can_be_imitated

from repro.models.decoder import Decoder
from repro.training import bench

pytestmark = [
    pytest.mark.skipif(not can_be_imitated(), reason="the imitation is compiled with g++, which is not here"),
    pytest.mark.usefixtures("gpu"),
]

LARGE = Decoder(vocabulary=16, width=16, layers=1, heads=2, context=16)


@pytest.mark.slow
def test_the_benchmark_of_training_runs(monkeypatch: pytest.MonkeyPatch):
    """All its sides, and utilisation, which it tells on a GPU alone."""
    for name, value in {"LARGE": LARGE, "RUNS": 3, "WARM_UP": 1}.items():
        monkeypatch.setattr(bench, name, value)

    timed = bench.bench_training(widths=(16,), steps=1, rounds=8, seconds=1.0)

    assert (NAME, "second", None) == (timed.device, timed.unit, timed.utilisation.peak)
    assert timed.utilisation.flops > 0


@pytest.mark.slow
def test_the_benchmark_of_decoding_runs(monkeypatch: pytest.MonkeyPatch):
    """Transformers and each layout on the device, which write the same tokens."""
    from repro.inference.decoding import bench

    monkeypatch.setitem(bench.SHAPES, "tiny", Decoder(vocabulary=64, width=32, layers=1, heads=2, context=64))

    timed = bench.bench_decoding(sizes=("tiny",), tokens=4, rounds=8)

    assert (NAME, "second") == (timed.device, timed.unit)
    assert timed.sizes[0].identical
