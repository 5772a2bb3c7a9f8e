"""Learning rates over a run."""

from __future__ import annotations

import pytest

from repro.training.configurations import cosine, decayed, warmed_up


def test_a_cosine_rises_falls_and_stays_at_a_tenth():
    rates = [cosine(done, peak=2.0, warmup=100, horizon=1_100) for done in (50, 100, 600, 1_100, 5_000)]

    assert [1.0, 2.0, 1.1, 0.2, 0.2] == pytest.approx(rates)


def test_a_decay_falls_linearly_to_nothing():
    assert [2.0, 1.0, 0.0] == [decayed(done, peak=2.0, start=100, end=300) for done in (100, 200, 300)]


def test_warming_up_is_linear_and_may_be_left_out():
    assert [0.5, 2.0, 2.0] == [warmed_up(done, peak=2.0, warmup=w) for done, w in ((25, 100), (200, 100), (1, 0))]
