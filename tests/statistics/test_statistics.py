"""Estimates refuse what is none; zeros keep an interval; false verdicts are counted."""

from __future__ import annotations

import numpy as np
import pytest

from repro.statistics import Estimate, clopper_pearson, distance_p_value, multiplicity, student_t, wilson, within_margin


def test_no_success_in_n_still_leaves_room():
    """The exact upper bound of zero of n is 1 - (alpha / 2)^(1 / n), Wilson's is z^2 / (n + z^2)."""
    zero = clopper_pearson(0, 100, level=0.99)

    assert 0 == zero.low
    assert 1 - 0.005 ** (1 / 100) == pytest.approx(zero.high)
    z_squared = 2.5758293**2
    assert z_squared / (100 + z_squared) == pytest.approx(wilson(0, 100).high)


def test_students_t_is_the_textbook_interval():
    """t(0.975, 4 degrees of freedom) = 2.776; the standard error of 1..5 is sqrt(0.5)."""
    estimate = student_t([1, 2, 3, 4, 5], level=0.95)

    assert 3 == estimate.value
    assert 2.776445 * np.sqrt(0.5) == pytest.approx(estimate.high - 3, rel=1e-6)


@pytest.mark.parametrize("bad", [(1, 2, 0), (float("nan"), 0, 1)])
def test_an_estimate_refuses_what_is_none(bad):
    with pytest.raises(ValueError, match=r"above|NaN"):
        Estimate(*bad)


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="at least two"):
        student_t([1.0])


def test_equivalence_is_shown_inside_the_margin_and_rarely_at_its_edge():
    """A true difference as large as the margin passes for none in 1 % of 2,000 simulations (standard error 0.2 %)."""
    rng = np.random.default_rng(0)
    base = np.zeros(8)
    at_edge = [within_margin(rng.normal(0.05, 0.01, 8), base, margin=0.05)[1] < 0.01 for _ in range(2000)]

    assert within_margin(rng.normal(0, 0.01, 8), base, margin=0.05)[1] < 0.01
    assert np.mean(at_edge) < 0.017


def test_an_edge_at_the_intervals_end_has_the_levels_p_value():
    assert 0.01 == pytest.approx(distance_p_value(Estimate(0, -1, 1), 1.0))


def test_false_verdicts_are_expected_in_proportion():
    found = multiplicity([1e-6] * 50 + [0.4] * 50, level=0.99)

    assert (100, 50, 50) == (found.judged, found.decided, found.kept)
    assert 1 == pytest.approx(found.expected_false)


def test_verdicts_by_a_hair_do_not_survive_among_many_that_were_undecided():
    """A hundred true edges give one decision by chance; a family of decided ones alone would keep it."""
    found = multiplicity([0.009] + [0.4] * 99, level=0.99)

    assert (1, 0) == (found.decided, found.kept)


def test_an_estimate_survives_json_with_an_open_side():
    open_side = Estimate(1.0, 0.5, float("inf"))

    assert open_side == Estimate.from_plain(open_side.plain())
