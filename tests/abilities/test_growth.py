"""What is read off curves over sizes, where the truth is planted."""

import numpy as np
import pandas as pd
import pytest

from repro.abilities.growth import by_seed, jumps, score_ratios, unforeseen

SIZES = [10.0, 20.0, 40.0, 80.0, 160.0, 320.0]


def curves(*rows: list[float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=SIZES)


def test_a_straight_rise_is_no_jump_and_a_stair_is_one():
    line, stair = list(np.linspace(0, 1, 6)), [0.0, 0, 0, 1, 1, 1]

    assert [1, 1, 1] == pytest.approx(list(jumps(curves(line, line, line))))
    assert [5, 5, 5] == pytest.approx(list(jumps(curves(stair, stair, stair))))


def test_seeds_that_jump_at_different_sizes_make_no_common_jump():
    """A mean over seeds is smooth then, and no seed is credited with a step that it chose itself."""
    early, middle, late = [0.0, 1, 1, 1, 1, 1], [0.0, 0, 0, 1, 1, 1], [0.0, 0, 0, 0, 0, 1]

    assert [0, 0, 0] == list(jumps(curves(early, middle, late)))


def test_a_line_is_foreseen_and_a_stair_is_not():
    line, stair = list(np.linspace(0, 1, 6)), [0.0, 0, 0, 1, 1, 1]

    assert 0 == pytest.approx(unforeseen(curves(line))[0], abs=1e-9)
    assert 1 == pytest.approx(unforeseen(curves(stair))[0])


def test_a_power_of_a_smooth_score_has_the_larger_emergence_score():
    """The manufactured mirage: the same models, raised to the twentieth power; and a metric against itself."""
    smooth = curves([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])

    assert score_ratios(smooth**20, smooth, items=1000)[0] > 5
    assert 1 == score_ratios(smooth, smooth, items=1000)[0]


def test_a_metric_that_stays_at_zero_has_a_finite_score():
    """Its usual step is the least that the test can show: one of 1,000 problems."""
    flat, line = curves([0.0, 0, 0, 0, 0, 1]), curves(list(np.linspace(0, 1, 6)))

    assert 1000 / 5 == pytest.approx(score_ratios(flat, line, items=1000)[0])


def test_losses_are_turned_round_and_diverged_runs_left_out():
    runs = pd.DataFrame(
        {
            "seed": [0, 0, 1],
            "parameters": [10, 20, 10],
            "cross_entropy": [2.0, 1.0, 9.0],
            "diverged": [False, False, True],
        }
    )

    assert [[-2.0, -1.0]] == by_seed(runs, "cross_entropy").to_numpy().tolist()
