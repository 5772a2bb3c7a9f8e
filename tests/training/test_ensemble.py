"""Runs trained together in one program: each as if it were alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from repro.corpora.texts.text import Skills
from repro.floor.measurement import Diverged
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining
from repro.training.ensemble import run_together
from repro.training.measurements import pretrain
from repro.training.run import run

TEXT = Skills(vocabulary=16, digits=2, tokens=60_000, test_tokens=4_000)
RUN = Pretraining(
    model=Decoder(vocabulary=16, width=16, layers=2, heads=2, context=16),
    text=TEXT,
    readings=(2_048, 4_096),
    batch=256,
    learning_rate=0.02,
    warmup=1_024,
    test_tokens=2_048,
)
FAST = dataclasses.replace(RUN, learning_rate=0.05)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))


def test_runs_together_read_what_each_reads_alone():
    """Two learning rates, two seeds: other weights, another order, another clipping and another rate each."""
    configs, seeds = [RUN, FAST, FAST], [0, 0, 1]

    together = pretrain.all_together(configs, seeds)

    for config, seed, found in zip(configs, seeds, together, strict=True):
        expected = pretrain(config, seed)
        assert set(expected) == set(found)
        for name, value in expected.items():
            assert value == (pytest.approx(found[name], abs=1e-4) if isinstance(value, list | float) else found[name])
    assert together[0]["loss"] != together[1]["loss"] != together[2]["loss"]


def test_a_run_that_explodes_does_not_spoil_its_neighbours():
    wild = dataclasses.replace(RUN, learning_rate=1e30, schedule="constant")
    calm = dataclasses.replace(wild, learning_rate=0.02)

    exploded, well = run_together([wild, calm], [0, 0])

    assert isinstance(exploded, Diverged)
    with pytest.raises(Diverged) as alone:
        run(wild, 0)
    assert str(alone.value) == str(exploded)
    for expected, found in zip(run(calm, 0).model.parameters(), well.model.parameters(), strict=True):
        torch.testing.assert_close(expected, found, rtol=1e-3, atol=1e-4)


def test_runs_of_other_shapes_are_not_mixed():
    with pytest.raises(ValueError, match="differ in learning rate and seed alone"):
        run_together([RUN, dataclasses.replace(RUN, clip=2.0)], [0, 0])
