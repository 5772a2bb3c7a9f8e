"""Approaches 1 and 2: power laws through the minima."""

import numpy as np
import pytest

from repro.fits.approaches.envelope import bootstrap_envelope, fit_envelope
from repro.fits.approaches.isoflop import bootstrap_isoflop, find_budgets, fit_isoflop
from repro.fits.laws.surface import BESIROGLU, HOFFMANN, Surface
from repro.fits.runs.planted import HOFFMANN_BUDGETS, Planted, plant

KAPLAN_WORLD = Surface(E=1.8, A=480.0, B=4e6, alpha=0.27, beta=0.73)  # a = 0.73


def columns(planted, seed=0):
    table = plant(planted, seed)
    return tuple(table[name].to_numpy() for name in ("N", "D", "loss"))


@pytest.mark.parametrize("truth", [HOFFMANN, BESIROGLU, KAPLAN_WORLD])
@pytest.mark.parametrize("fit", [fit_isoflop, fit_envelope])
def test_noise_free_valleys_about_the_optimum_give_its_exponent(fit, truth):
    """Every budget's valley has the same shape there, so that the parabola's bias is a factor and not a slope."""
    runs = columns(Planted(surface=truth, noise=0.0, sizes=13, span=4.0, tokens_per_parameter=None))

    assert truth.a == pytest.approx(fit(*runs).a, abs=1e-9)


@pytest.mark.parametrize(("span", "bias"), [(4.0, 1.013), (16.0, 1.055)])
def test_a_parabola_overstates_the_optimal_size(span, bias):
    """A valley is steeper towards small models: at 1e24 operations by 1 % on a grid of x4, by 5 % on x16."""
    runs = columns(Planted(surface=HOFFMANN, noise=0.0, sizes=13, span=span, tokens_per_parameter=None))

    assert bias == pytest.approx(float(fit_isoflop(*runs).optimum(1e24)[0] / HOFFMANN.optimum(1e24)[0]), abs=0.001)


def test_a_layout_off_the_optimum_biases_the_exponent():
    """What the approach cannot see: sizes laid out at 20 tokens a parameter in a world whose optimum drifts away."""
    runs = columns(Planted(surface=KAPLAN_WORLD, noise=0.0, span=8.0, tokens_per_parameter=20.0))

    assert abs(fit_isoflop(*runs).a - KAPLAN_WORLD.a) > 0.01


@pytest.mark.parametrize(("fit", "bootstrap"), [(fit_isoflop, bootstrap_isoflop), (fit_envelope, bootstrap_envelope)])
def test_the_interval_tells_two_worlds_apart(fit, bootstrap):
    """With noise of half a per cent, 0.73 lies in the interval of Kaplan's world and not in that of Chinchilla's."""
    intervals = {}
    for name, world in (("chinchilla", BESIROGLU), ("kaplan", KAPLAN_WORLD)):
        runs = columns(Planted(surface=world, tokens_per_parameter=None), seed=7)
        draws = bootstrap(*runs, resamples=400, seed=0)
        intervals[name] = np.quantile(draws.a, [0.005, 0.995])
        assert intervals[name][0] < fit(*runs).a < intervals[name][1]

    assert intervals["chinchilla"][1] < 0.7
    assert intervals["kaplan"][0] < 0.73 < intervals["kaplan"][1]


def test_exact_budgets_are_found_exactly():
    """Nine budgets of 25 runs, whatever the order of the runs."""
    runs = plant(Planted(), seed=0).sample(frac=1.0, random_state=0)

    budgets = find_budgets(runs["C"])

    np.testing.assert_allclose(HOFFMANN_BUDGETS, [np.exp(budget.log_C) for budget in budgets], rtol=1e-12)
    assert {25} == {budget.rows.size for budget in budgets}


def test_scattered_budgets_are_found_and_stragglers_left_out():
    """Budgets read off a figure scatter by some per cent; a lone run between two budgets belongs to neither."""
    scatter = np.exp(np.random.default_rng(0).uniform(-0.08, 0.08, size=(3, 12)))
    C = np.concatenate([(np.array([1e19, 1e20, 1e21])[:, None] * scatter).ravel(), [4e19]])

    budgets = find_budgets(C)

    assert [12, 12, 12] == [budget.rows.size for budget in budgets]
    assert 36 not in np.concatenate([budget.rows for budget in budgets])


def test_a_frontier_spends_the_whole_budget():
    """6 N* D* = C, and D*/N* is read from the same line."""
    frontier = fit_isoflop(*columns(Planted()))
    N, D = frontier.optimum([1e20, 1e24])

    np.testing.assert_allclose([1e20, 1e24], 6 * N * D, rtol=1e-12)
    np.testing.assert_allclose(D / N, frontier.tokens_per_parameter([1e20, 1e24]))
    assert pytest.approx(1) == frontier.a + frontier.b


def test_runs_without_a_valley_are_refused():
    """Loss that only falls with size shows no optimum at any budget; the message says what would."""
    N = np.tile(np.geomspace(1e7, 1e9, 8), 3)
    C = np.repeat([1e19, 1e20, 1e21], 8)

    with pytest.raises(ValueError, match="show a valley; at least two are needed"):
        fit_isoflop(N, C / 6 / N, 3 - 0.1 * np.log(N / 1e7) ** 2 / 20 - np.log(C / 1e19) / 50)


def test_one_budget_has_no_envelope_over_budgets():
    """A single point is no line."""
    runs = columns(Planted(budgets=(1e20,), noise=0.0))

    with pytest.raises(ValueError, match="two budgets are needed"):
        fit_envelope(*runs)
