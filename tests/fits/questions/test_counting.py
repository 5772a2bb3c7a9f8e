"""Counting alone turns Chinchilla's exponent into Kaplan's; where counting cannot matter, it does not."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from repro.fits.laws.surface import BESIROGLU, HOFFMANN_TEX
from repro.fits.questions.counting import (
    OMEGA,
    Counting,
    closed_exponent,
    counted_compute,
    counting_exponents,
    kaplan_budgets,
    local_exponent,
    simulated_exponent,
    slope,
    total_size,
)

SURFACES = pytest.mark.parametrize("surface", [BESIROGLU, HOFFMANN_TEX], ids=["besiroglu", "hoffmann"])


@pytest.mark.parametrize(("surface", "exponent"), [(BESIROGLU, 0.78), (HOFFMANN_TEX, 0.74)])
def test_the_simulated_study_gives_the_exponents_of_the_paper(surface, exponent):
    """Pearce & Song 2024 print 0.78 (Epoch's constants) and 0.74 (Hoffmann's), where Kaplan found 0.73."""
    assert exponent == round(simulated_exponent(Counting(surface=surface)), 2)


@pytest.mark.parametrize(("surface", "exponent"), [(BESIROGLU, 0.78054), (HOFFMANN_TEX, 0.73883)])
def test_the_simulated_study_agrees_with_the_authors_script(surface, exponent):
    """Their script, run on the same grids, prints .7805 and .7388."""
    assert exponent == pytest.approx(simulated_exponent(Counting(surface=surface)), abs=5e-5)


@pytest.mark.parametrize(("surface", "exponent"), [(BESIROGLU, 0.7758), (HOFFMANN_TEX, 0.7403)])
def test_the_closed_form_needs_no_grid(surface, exponent):
    """A power law through the closed form over the script's budgets, 10^12.95 to 10^20.7."""
    assert exponent == pytest.approx(closed_exponent(surface, (10**12.95, 10**20.7)), abs=5e-5)


@pytest.mark.parametrize(("surface", "exponent"), [(BESIROGLU, 0.7861), (HOFFMANN_TEX, 0.7483)])
def test_the_closed_form_over_the_sizes_of_kaplan(surface, exponent):
    """The same over the budgets that 790 to 1.58e9 parameters are optimal for."""
    first, last = counted_compute((790, 1.58e9), surface)
    assert exponent == pytest.approx(closed_exponent(surface, (first, last)), abs=5e-5)


@SURFACES
def test_counting_all_parameters_gives_the_exponent_of_the_surface(surface):
    """The control: the same study with embeddings counted recovers a = beta / (alpha + beta)."""
    assert surface.a == pytest.approx(simulated_exponent(Counting(surface=surface, counted="total")), abs=0.003)


@SURFACES
def test_without_embeddings_counting_cannot_matter(surface):
    """The false world, omega = 0: simulated and closed form give a, far from 0.73."""
    world = Counting(surface=surface, omega=0.0)

    assert surface.a == pytest.approx(simulated_exponent(world), abs=0.003)
    assert surface.a == pytest.approx(closed_exponent(surface, kaplan_budgets(surface, 0.0), 0.0), abs=1e-9)


@SURFACES
@pytest.mark.parametrize("n", [1e3, 1e6, 1e9])
def test_the_closed_form_is_the_minimum_at_its_budget(surface, n):
    """At C(n) no other size has a lower loss."""
    budget = float(counted_compute(n, surface))

    def loss(log_size: float) -> float:
        size = np.exp(log_size)
        return float(surface.loss(total_size(size), budget / (6 * size)))

    found = minimize_scalar(loss, bounds=(np.log(n) - 3, np.log(n) + 3), method="bounded", options={"xatol": 1e-9})
    assert n == pytest.approx(np.exp(found.x), rel=1e-4)


@SURFACES
def test_the_local_exponent_is_the_derivative_of_the_closed_form(surface):
    """d log n / d log C by finite differences."""
    n = np.geomspace(1e2, 1e12, 2001)
    numeric = np.gradient(np.log(n), np.log(counted_compute(n, surface)))

    np.testing.assert_allclose(numeric[1:-1], local_exponent(n, surface)[1:-1], rtol=1e-4)


@SURFACES
def test_the_local_exponent_has_its_two_limits_and_rises_between(surface):
    """beta / (alpha/3 + beta) for tiny models, beta / (alpha + beta) for huge ones, and more than both between."""
    start, end = surface.beta / (surface.alpha / 3 + surface.beta), surface.a

    assert start == pytest.approx(float(local_exponent(1e-6, surface)), abs=1e-6)
    assert end == pytest.approx(float(local_exponent(1e22, surface)), abs=1e-6)
    assert local_exponent(np.geomspace(1e2, 1e12, 101), surface).max() > max(start, end) + 0.1


def test_embeddings_follow_the_cube_root():
    """A size of 1e9 without embeddings has 1e9 + omega 1000 parameters."""
    assert 1e9 + OMEGA * 1e3 == pytest.approx(float(total_size(1e9)))


def test_a_power_law_has_its_exponent():
    """slope of 3 x^0.7 is 0.7."""
    x = np.geomspace(1, 1e6, 9)
    assert 0.7 == pytest.approx(slope(x, 3 * x**0.7))


def test_an_unknown_way_of_counting_is_refused():
    """The message says what was expected."""
    with pytest.raises(ValueError, match="non-embedding"):
        simulated_exponent(Counting(counted="some"))


def test_the_measurement_keeps_to_plain_numbers():
    """Both worlds through the measurement: counting matters in the first alone."""
    embeddings, none = (counting_exponents(Counting(omega=omega), seed=0) for omega in (OMEGA, 0.0))

    assert embeddings["closed"] > 0.7 > 0.55 > none["closed"]
    assert none["local_peak"] == pytest.approx(BESIROGLU.a)
