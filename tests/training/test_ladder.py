"""Ladders: equal effort of tuning, and the learning rate that was best, to its last digit."""

from __future__ import annotations

import pandas as pd
import pytest

from repro.corpora.languages.skills import Skills
from repro.models.counting import matrix_parameters
from repro.training.ladder import Ladder, best_runs, with_model

LADDER = Ladder(text=Skills(vocabulary=16, digits=3), first_reading=4_096, most_flops=4e10, most_tokens=60_000)
WIDTHS, RATES = (24, 48, 96), (0.1, 0.3, 0.7)


def sweep(losses: list[float | None]) -> pd.DataFrame:
    """The table of a tuning sweep with these final losses; None: diverged."""
    widths = [run.model.width for run in LADDER.tuning(WIDTHS, RATES)]
    return pd.DataFrame({"model.width": widths, "final_loss": losses}).astype({"final_loss": float})


def test_readings_double_as_far_as_compute_and_tokens_allow():
    for width in WIDTHS:
        readings = LADDER.readings(width)
        cost = 6 * matrix_parameters(LADDER.decoder(width))

        assert [4_096 * 2**place for place in range(len(readings))] == list(readings)
        assert cost * readings[-1] <= 4e10 and readings[-1] <= 60_000
        assert 2 * readings[-1] > min(60_000, 4e10 / cost)


def test_every_width_is_tuned_with_equal_effort():
    assert {LADDER.readings(max(WIDTHS))[-1:]} == {run.readings for run in LADDER.tuning(WIDTHS, RATES)}


def test_the_best_run_goes_on_at_the_very_rate_that_was_tried():
    """A rate that was multiplied by the width and divided again would miss its record by its last digit."""
    tried = LADDER.tuning(WIDTHS, RATES)
    best = best_runs(tried, sweep([3.0, 2.0, None, 2.5, None, 1.5, None, 1.0, 4.0]))

    assert [tried[1], tried[5], tried[7]] == [best[width] for width in WIDTHS]
    for width, rate in zip(WIDTHS, (0.3, 0.7, 0.3), strict=True):
        assert LADDER.rung(width, rate) == LADDER.tuned_rung(best[width])
    assert (4_096,) == LADDER.tuned_rung(best[24], readings=(4_096,)).readings


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
