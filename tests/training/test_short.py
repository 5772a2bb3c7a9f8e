"""Short runs, and readings of their models: alone and in one program they are the same trial."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from repro.corpora.languages.skills import Skills
from repro.floor.measurement import Diverged, Numbers
from repro.models.transformer import Transformer
from repro.training.configurations import Pretraining, alike
from repro.training.short import AfterTraining, cost_of, short_run
from repro.training.windows import WindowOrder

FACTS = Skills(vocabulary=16, digits=2, tokens=3 * (40 * 32 + 1), test_tokens=3 * 200)
RUN = short_run(FACTS, 3, width=8, layers=1, steps=40, lines=32, rate=0.3)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A configuration that holds another one, as `Voting` holds `Learning`."""

    inner: Outer
    samples: int = 2

    @property
    def run(self) -> Pretraining:
        return self.inner.run


@dataclass(frozen=True, kw_only=True)
class Outer:
    run: Pretraining


@AfterTraining
def weight_read(model: Transformer, config: Asked, seed: int) -> Numbers:
    return {"weight": float(model.embedding.weight.detach().norm()), "seed": seed}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))


def test_a_run_reads_no_line_twice():
    order = WindowOrder(FACTS.draw("train"), time=3, seed=0)

    assert 40 * 32 == RUN.steps(RUN.readings[0]) * RUN.sequences <= len(order.chosen)
    assert {"parameters", "flops"} == set(cost_of(RUN))


def test_trials_in_one_program_are_the_trials_alone_each_at_its_rate_and_seed(tmp_path, monkeypatch):
    configs = [Asked(inner=Outer(run=replace(RUN, learning_rate=rate))) for rate in (0.02, 0.04)]

    together = weight_read.trials(configs, [3, 4])
    again = weight_read.trials(configs, [3, 4])  # from the weights that the first program left

    assert together == again
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path))
    for config, seed, numbers in zip(configs, (3, 4), together, strict=True):
        assert not isinstance(numbers, Diverged)
        assert pytest.approx(weight_read.trial(config, seed), rel=1e-3) == numbers


def test_what_trains_in_one_program_may_differ_in_the_learning_rate_alone():
    """Wherever in the configuration the run stands."""
    config = Asked(inner=Outer(run=RUN))
    faster = replace(config, inner=Outer(run=replace(RUN, learning_rate=0.5)))
    longer = replace(config, inner=Outer(run=replace(RUN, warmup=1)))

    assert alike(config) == alike(faster) != config
    assert alike(config) != alike(longer)
    assert alike(config) != alike(replace(config, samples=3))
