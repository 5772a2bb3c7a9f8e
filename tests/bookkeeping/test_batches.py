"""Trials of one program: the same records as alone, one each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from repro.bookkeeping.records import RecordStore, Trial
from repro.bookkeeping.sweeps import EngineSettings, SweepFailed, sweep
from repro.floor.measurement import Diverged, Measurement, Together

INLINE, BATCHED = EngineSettings("inline"), EngineSettings("batched", jobs=4)


@dataclass(frozen=True)
class Product:
    shape: int
    factor: int


def product(config: Product, seed: int) -> dict:
    if config.factor == 13:
        raise Diverged("thirteen")
    return {"product": config.shape * config.factor + seed}


def measurement_of(programs: list[list[Product]], *, broken: int | None = None) -> Measurement:
    """`product`; each program notes what ran in it, and one of shape `broken` fails."""

    def products(configs, seeds):
        programs.append(list(configs))
        if configs[0].shape == broken:
            raise MemoryError("the card is full")
        return [
            Diverged("thirteen") if config.factor == 13 else product(config, seed)
            for config, seed in zip(configs, seeds, strict=True)
        ]

    return Measurement("product", 1, product, Product, Together(lambda config: config.shape, products))


CONFIGS = [Product(shape, factor) for shape, factors in ((1, 6), (2, 2), (3, 1)) for factor in range(12, 12 + factors)]


def test_trials_of_one_program_are_recorded_one_by_one_as_if_alone(tmp_path):
    alone, together = RecordStore(tmp_path / "alone"), RecordStore(tmp_path / "together")
    programs: list[list[Product]] = []
    batched = measurement_of(programs)

    expected = sweep(batched, CONFIGS, store=alone, settings=INLINE).table
    found = sweep(batched, CONFIGS, store=together, settings=BATCHED).table

    pd.testing.assert_frame_equal(expected, found, check_exact=True)
    assert [CONFIGS[:4], CONFIGS[4:6], CONFIGS[6:8]] == programs  # at most four of one shape; the ninth runs alone
    assert "thirteen" == together.get(Trial(batched, Product(1, 13), 0)).reason
    made = [together.get(Trial(batched, config, 0)).provenance for config in CONFIGS]
    assert [4] * 4 + [2] * 4 + [None] == [one.get("together") for one in made]


def test_a_program_that_fails_costs_its_own_trials_alone(tmp_path):
    store = RecordStore(tmp_path)

    with pytest.raises(SweepFailed, match=r"(?s)2 of 9 trials failed.*the card is full"):
        sweep(measurement_of([], broken=2), CONFIGS, store=store, settings=BATCHED)

    assert [True] * 6 + [False] * 2 + [True] == [
        store.get(Trial(measurement_of([]), config, 0)) is not None for config in CONFIGS
    ]


def test_where_nothing_can_share_a_program_each_trial_runs_alone(tmp_path):
    plain = Measurement("product", 1, product, Product)

    found = sweep(plain, CONFIGS[:1], store=RecordStore(tmp_path), settings=BATCHED).table

    assert [12] == list(found["product"])
    with pytest.raises(ValueError, match="runs each trial alone"):
        plain.all_together(CONFIGS[:2], [0, 0])


def test_as_many_share_a_program_as_jobs_says(monkeypatch):
    """A scale that runs one trial at a time on its device means programs, not trials."""
    monkeypatch.setenv("REPRO_ENGINE", "batched")
    monkeypatch.delenv("REPRO_JOBS", raising=False)
    assert 32 == EngineSettings.from_environment(jobs=1).jobs

    monkeypatch.setenv("REPRO_JOBS", "8")
    assert 8 == EngineSettings.from_environment(jobs=1).jobs
