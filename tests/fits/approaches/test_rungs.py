"""The statistics of trained ladders, on planted readings whose truth is known: once true, once false."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.fits.approaches.rungs import (
    at_budgets,
    budgets_of,
    envelope_of,
    least_gain,
    over_seeds,
    planted_losses,
    prediction_error,
    shared_tokens,
    surface_of,
    valleys_of,
)
from repro.fits.laws.power_law import PowerLaw, extrapolation_error, fit_offset_law, fit_pure_law, joint_law_growth
from repro.fits.laws.surface import Surface

SIZES = np.array([5e3, 11e3, 26e3, 41e3, 107e3, 227e3, 713e3])
# Both have their optimum for 3e11 operations at 5e4 parameters, inside the ladder.
HALF = Surface(E=1.5, A=60.0, B=171.0, alpha=0.35, beta=0.35)  # a = 0.5
LARGER = Surface(E=1.5, A=13.0, B=966.0, alpha=0.2, beta=0.54)  # a = 0.73, Kaplan's


def planted(surface: Surface, *, noise: float = 0.0, seeds: int = 5) -> pd.DataFrame:
    """Readings as a ladder gives them: doubling tokens up to a budget, seeds that differ by a little noise."""
    rng = np.random.default_rng(0)
    D = 65_536 * 2.0 ** np.arange(8)
    rows = [(seed, n, n, d) for seed in range(seeds) for n in SIZES for d in D if 6 * n * d <= 1.45e12]
    table = pd.DataFrame(rows, columns=["seed", "width", "N", "D"])
    return table.assign(loss=surface.loss(table["N"], table["D"]) * np.exp(noise * rng.standard_normal(len(table))))


@pytest.mark.parametrize("surface", [HALF, LARGER], ids=["a=0.5", "a=0.73"])
@pytest.mark.parametrize(
    ("approach", "off"), [(envelope_of, 0.06), (valleys_of, 0.03), (surface_of, 1e-6)], ids=["1", "2", "3"]
)
def test_each_approach_finds_the_planted_exponent(surface, approach, off):
    """Approaches 1 and 2 are biased by a parabola that is none and by a few discrete sizes; 3 is exact."""
    assert surface.a == pytest.approx(approach(planted(surface, seeds=1)).a, abs=off)


def test_noise_between_seeds_widens_the_interval_and_still_tells_the_worlds_apart():
    noisy = [over_seeds(planted(surface, noise=0.002), lambda rows: surface_of(rows).a) for surface in (HALF, LARGER)]

    assert noisy[0].low < HALF.a < noisy[0].high < noisy[1].low < LARGER.a < noisy[1].high
    assert 5 == noisy[0].n


@pytest.mark.parametrize("a", [0.5, 0.73])
def test_losses_planted_on_readings_give_the_planted_exponent_back(a):
    readings = planted_losses(planted(HALF), a=a, noise=0.0)

    assert a == pytest.approx(surface_of(readings).a, abs=1e-4)
    assert a == pytest.approx(valleys_of(readings[readings["seed"] == 0]).a, abs=0.04)


def test_profiles_interpolate_readings_and_never_leave_them():
    readings = planted(HALF, seeds=1)
    profiles = at_budgets(readings, budgets_of(readings))

    assert HALF.loss(profiles["N"], profiles["D"]) == pytest.approx(profiles["loss"], rel=5e-4)
    assert profiles.groupby("C")["N"].count().min() >= 4
    assert profiles["D"].min() >= 65_536
    assert set() == set(at_budgets(readings, [1e20])["N"])


def test_a_surface_that_holds_predicts_and_one_that_breaks_does_not():
    whole = planted(HALF, seeds=1)
    broken = whole.assign(loss=np.where(6 * whole["N"] * whole["D"] > 4e11, whole["loss"] * 1.1, whole["loss"]))

    assert prediction_error(whole, share=1 / 8) < 1e-6
    assert prediction_error(broken, share=1 / 8) > 0.05


def test_what_sizes_share_and_gain_is_read_off_the_table():
    readings = planted(HALF, seeds=1)
    D = shared_tokens(readings, sizes=6)
    by_size = readings[readings["D"] == D]

    assert 6 == by_size["width"].nunique() > readings[readings["D"] == 2 * D]["width"].nunique()
    with pytest.raises(ValueError, match="at most 7 sizes share a reading, 8 were asked for"):
        shared_tokens(readings, sizes=8)


def test_a_ladder_whose_order_turns_where_tokens_are_few_gains_nothing_there():
    """One number of tokens, the most that all but the widest have read, does not see it."""
    noisy = planted(HALF, noise=0.002)
    turned = noisy.assign(loss=noisy["loss"] + np.where((noisy["N"] == SIZES[3]) & (noisy["D"] == 65_536), 0.5, 0.0))
    D = shared_tokens(turned, sizes=6)

    assert 0 < least_gain(turned[turned["D"] == D]).low
    assert least_gain(turned).high < 0 < least_gain(noisy).low


def test_kaplans_joint_law_grows_parameters_faster_than_data():
    """Kaplan et al. 2020, eq. 1.5, minimised on a grid: the larger exponent of data makes N the one to grow."""
    N = np.geomspace(1e6, 1e14, 400_001)
    best = []
    for C in (1e20, 1e24):
        D = C / 6 / N
        best.append(N[np.argmin(((6.4e13 / N) ** (0.076 / 0.103) + 1.8e13 / D) ** 0.103)])
    a = np.log(best[1] / best[0]) / np.log(1e4)

    assert (1 - a) / a == pytest.approx(joint_law_growth(0.076, 0.103), rel=1e-3)


def test_a_law_with_an_offset_is_recovered_exactly():
    law, x = PowerLaw(1.7, 40.0, 0.3), np.geomspace(1e4, 1e7, 7)

    found = fit_offset_law(x, law.loss(x))

    assert (law.E, law.A, law.alpha) == pytest.approx((found.E, found.A, found.alpha), rel=1e-4)


def test_a_pure_law_is_recovered_exactly():
    law, x = PowerLaw(0.0, 9.0, 0.076), np.geomspace(1e4, 1e7, 5)

    assert (9.0, 0.076) == pytest.approx((fit_pure_law(x, law.loss(x)).A, fit_pure_law(x, law.loss(x)).alpha))


def test_only_the_right_form_extrapolates():
    """Where there is a floor the pure law misses it; where there is none both predict."""
    x = np.geomspace(1e4, 2.56e6, 9)
    floor, none = PowerLaw(2.0, 100.0, 0.4).loss(x), PowerLaw(0.0, 10.0, 0.1).loss(x)

    assert 0 == pytest.approx(extrapolation_error(x, floor, law="offset", held=2), abs=1e-4)
    assert extrapolation_error(x, floor, law="pure", held=2) < -0.03
    assert 0 == pytest.approx(extrapolation_error(x, none, law="pure", held=2), abs=1e-9)


def test_a_power_law_is_told_from_a_fixed_amount_by_two_rungs_and_not_by_one():
    """Six models as on the ladder at cpu scale: one rung held out, either law is within 2 % of the other's world."""
    x = np.array([8.3e2, 2.9e3, 1.4e4, 2.5e4, 8.3e4, 1.95e5])
    power, fixed = PowerLaw(0.0, 6.8, 0.0637).loss(x), 4.4 - 0.235 * np.log(x / x[0])

    for world, right, wrong in ((power, "pure", "fixed amount"), (fixed, "fixed amount", "pure")):
        assert 0 == pytest.approx(extrapolation_error(x, world, law=right, held=2), abs=1e-9)
        assert 0.02 > abs(extrapolation_error(x, world, law=wrong, held=1))
        assert 0.02 < abs(extrapolation_error(x, world, law=wrong, held=2))


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="3 sizes and 3 losses; a law needs at least 4 of both"):
        fit_offset_law([1, 2, 3], [3, 2, 1])
