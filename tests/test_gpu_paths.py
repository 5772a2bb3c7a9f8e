"""What the library does on a GPU and no notebook does at once: weights that were kept, benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from imitated_gpu import NAME, ImitatedGPU, can_be_imitated

from repro.corpora.texts.text import Skills
from repro.models.decoder import Decoder
from repro.training import bench
from repro.training.configurations import Pretraining
from repro.training.run import trained

pytestmark = pytest.mark.skipif(not can_be_imitated(), reason="the imitation is compiled with g++, which is not here")

RUN = Pretraining(
    model=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=16),
    text=Skills(vocabulary=16, digits=2, tokens=30_000, test_tokens=2_000),
    readings=(2_048, 4_096),
    batch=256,
    learning_rate=0.02,
    warmup=512,
    test_tokens=1_024,
)


@pytest.fixture(autouse=True)
def _afresh(gpu: ImitatedGPU, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from accelerate.state import AcceleratorState

    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path))
    AcceleratorState._reset_state(reset_partial_state=True)  # it remembers the device of the process
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_a_model_computes_alike_whether_it_was_trained_now_or_kept():
    """In float32: what training puts around a model must not stay on it."""
    ids_BT = torch.arange(16)[None]

    fresh, kept = (trained(RUN, 0) for _ in range(2))

    laws = [model.to("cuda")(ids_BT.to("cuda")).detach() for model in (fresh, kept)]
    assert torch.float32 == laws[0].dtype == laws[1].dtype
    assert torch.equal(*laws)


@pytest.mark.slow
def test_the_benchmark_of_training_runs(monkeypatch: pytest.MonkeyPatch):
    """All its sides, and utilisation, which it tells on a GPU alone."""
    for name, value in {"LARGE": RUN.model, "RUNS": 3, "WARM_UP": 1}.items():
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
