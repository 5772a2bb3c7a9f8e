"""Ladders: equal effort of tuning, and the learning rate that was best, to its last digit."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from repro.corpora.languages.skills import Skills
from repro.models.counting import matrix_parameters
from repro.training.ladder import Ladder, best_runs, common_rate, with_model

LADDER = Ladder(text=Skills(vocabulary=16, digits=3), first_reading=4_096, most_flops=4e10, most_tokens=60_000)
WIDTHS, RATES = (24, 48, 96), (0.1, 0.3, 0.7)


def sweep(losses: list[float | None]) -> pd.DataFrame:
    """The table of a tuning sweep with these final losses; None: diverged."""
    widths = [run.model.width for run in LADDER.tuning(WIDTHS, RATES)]
    return pd.DataFrame({"seed": 1_000, "model.width": widths, "final_loss": losses}).astype({"final_loss": float})


def test_readings_double_as_far_as_compute_and_tokens_allow():
    for width in WIDTHS:
        readings = LADDER.readings(width)
        cost = 6 * matrix_parameters(LADDER.decoder(width))

        assert [4_096 * 2**place for place in range(len(readings))] == list(readings)
        assert cost * readings[-1] <= 4e10 and readings[-1] <= 60_000
        assert 2 * readings[-1] > min(60_000, 4e10 / cost)


def test_every_width_is_tuned_with_equal_effort():
    assert {LADDER.readings(max(WIDTHS))[-1:]} == {run.readings for run in LADDER.tuning(WIDTHS, RATES)}


def test_all_rungs_share_the_rate_that_is_best_on_average():
    """By its own best a rung whose losses at two rates differ by chance would leave its neighbours' rate."""
    by_chance = sweep([3.0, 2.0, 2.5, 2.9, 2.01, 2.0, 2.8, 1.9, 2.2])

    assert [0.3, 0.7, 0.3] == [
        round(run.learning_rate * width, 9) for width, run in best_runs(LADDER.tuning(WIDTHS, RATES), by_chance).items()
    ]
    assert 0.3 == common_rate(RATES, by_chance)


def test_a_rate_at_which_a_rung_diverges_is_out():
    assert 0.1 == common_rate(RATES, sweep([3.0, 2.0, 1.0, 3.0, 2.0, None, 3.0, None, 1.0]))


def test_the_ladder_goes_on_at_the_very_rate_that_was_tried():
    """A rate that was multiplied by the width and divided again would miss its record by its last digit."""
    tried = LADDER.tuning(WIDTHS, RATES)
    rate = common_rate(RATES, sweep([3.0, 2.0, 4.0] * 3))

    assert tried[1::3] == [replace(LADDER.rung(width, rate), readings=tried[0].readings) for width in WIDTHS]


def test_another_width_keeps_the_rate_times_width():
    run = LADDER.rung(24, 0.3)

    assert run.learning_rate == pytest.approx(4 * with_model(run, LADDER.decoder(96)).learning_rate)
    assert run == with_model(run, run.model)


def test_a_tuning_that_names_no_best_run_is_refused():
    tried = LADDER.tuning(WIDTHS, RATES)
    with pytest.raises(ValueError, match=r"every run diverged at model.width = \[48\]; give lower"):
        best_runs(tried, sweep([3.0, 2.0, None, None, None, None, 1.0, 1.0, 4.0]))
    with pytest.raises(ValueError, match="9 runs of 8 configurations"):
        best_runs(tried[:8], sweep([1.0] * 9))
    with pytest.raises(ValueError, match=r"at each rate of \[0.1, 0.3, 0.7\] a rung diverged; give lower"):
        common_rate(list(RATES), sweep([None, 2.0, 3.0, 2.0, None, 3.0, 2.0, 3.0, None]))
    with pytest.raises(ValueError, match="9 runs at 2 rates; expected one seed"):
        common_rate(RATES[:2], sweep([1.0] * 9))
