"""The loss surface, its optimum in closed form, and its fit."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from repro.fits.laws.huber import Points
from repro.fits.laws.quasinewton import descend
from repro.fits.laws.resamples import blocks, counts, draw_rows, epoch_resamples
from repro.fits.laws.surface import (
    BESIROGLU,
    HOFFMANN,
    HOFFMANN_TEX,
    Surface,
    bootstrap_surface,
    fit_surface,
    refit_surfaces,
    step_surfaces,
    surface_objective,
)
from repro.fits.runs.planted import Planted, plant


@pytest.fixture(scope="module")
def runs():
    table = plant(Planted(noise=0.007), seed=11)
    return tuple(table[name].to_numpy() for name in ("N", "D", "loss"))


@pytest.mark.parametrize("surface", [HOFFMANN, BESIROGLU, Surface(E=0.5, A=20.0, B=9000.0, alpha=0.2, beta=0.6)])
@pytest.mark.parametrize("C", [1e18, 5.76e23])
def test_the_closed_form_is_where_a_numeric_search_ends(surface, C):
    """Hoffmann et al. 2022, eq. 4."""
    found = minimize_scalar(
        lambda u: float(surface.loss(np.exp(u), C / 6 / np.exp(u))), bounds=(5, 45), method="bounded"
    )
    N, D = surface.optimum(C)

    assert found.fun == pytest.approx(float(surface.loss(N, D)), rel=1e-12)
    assert found.x == pytest.approx(np.log(N), abs=1e-3)
    assert pytest.approx(C) == 6 * N * D


def test_exponents_are_those_of_the_optimum():
    """N* ~ C^a and D* ~ C^b with a + b = 1."""
    N, D = HOFFMANN.optimum([1e20, 1e22])

    assert np.log(N[1] / N[0]) / np.log(100) == pytest.approx(HOFFMANN.a)
    assert np.log(D[1] / D[0]) / np.log(100) == pytest.approx(HOFFMANN.b)
    assert pytest.approx(1) == HOFFMANN.a + HOFFMANN.b


@pytest.mark.parametrize(
    ("surface", "billions", "tokens_per_parameter"),
    [(HOFFMANN, 32.2, 92.6), (HOFFMANN_TEX, 40.4, 58.9), (BESIROGLU, 72.2, 18.4)],
    ids=["rounded", "unrounded", "besiroglu"],
)
def test_rounding_alone_moves_the_advice_at_gophers_budget(surface, billions, tokens_per_parameter):
    """At 5.76e23 operations the printed digits of one fit advise 93 tokens a parameter, its unrounded digits 59."""
    assert billions == pytest.approx(float(surface.optimum(5.76e23)[0]) / 1e9, abs=0.05)
    assert tokens_per_parameter == pytest.approx(float(surface.tokens_per_parameter(5.76e23)), abs=0.05)


@pytest.mark.parametrize("truth", [HOFFMANN, BESIROGLU])
def test_noise_free_runs_give_their_surface_back(truth):
    """All digits, from every start."""
    runs = plant(Planted(surface=truth, noise=0.0), seed=0)

    fit = fit_surface(runs["N"], runs["D"], runs["loss"])

    np.testing.assert_allclose(truth.table(), fit.surface.table(), rtol=1e-9)
    assert (True, 1.0) == (fit.converged, fit.share)


def test_units_of_parameters_tokens_and_loss_do_not_matter(runs):
    """Counting in thousands or in bits rescales A, B and E, and leaves exponents and objective alone."""
    N, D, loss = runs
    plain, scaled = fit_surface(N, D, loss), fit_surface(N / 1e3, D / 1e6, loss * 1.4427)
    s, t = plain.surface, scaled.surface

    assert plain.objective == pytest.approx(scaled.objective, rel=1e-9)
    np.testing.assert_allclose([s.alpha, s.beta, s.E * 1.4427], [t.alpha, t.beta, t.E], rtol=1e-6)
    np.testing.assert_allclose([s.A * 1.4427 * 1e3**-s.alpha, s.B * 1.4427 * 1e6**-s.beta], [t.A, t.B], rtol=1e-5)


def test_order_and_repetition_of_runs_do_not_matter(runs):
    """All runs twice double the objective and nothing else."""
    order = np.random.default_rng(0).permutation(len(runs[0]))
    plain = fit_surface(*runs)
    twice = fit_surface(*(np.concatenate([column, column[order]]) for column in runs))

    assert 2 * plain.objective == pytest.approx(twice.objective, rel=1e-10)
    np.testing.assert_allclose(plain.surface.table(), twice.surface.table(), rtol=1e-6)


def test_size_and_tokens_play_the_same_part(runs):
    """Exchanging N and D exchanges A with B and alpha with beta."""
    N, D, loss = runs
    s, t = fit_surface(N, D, loss).surface, fit_surface(D, N, loss).surface

    np.testing.assert_allclose([s.E, s.A, s.B, s.alpha, s.beta], [t.E, t.B, t.A, t.beta, t.alpha], rtol=1e-6)


def test_no_nearby_surface_is_better(runs):
    """The fit is a minimum: its objective rises in every direction tried."""
    fit = fit_surface(*runs)
    around = np.random.default_rng(0).normal(size=(50, 5)) * 1e-3

    risen = [surface_objective(Surface.from_logs(fit.surface.logs() + shift), *runs) for shift in around]

    assert surface_objective(fit.surface, *runs) == pytest.approx(fit.objective, rel=1e-12)
    assert min(risen) > fit.objective


def test_no_resample_is_fitted_worse_than_by_scipy(runs):
    """BFGS with the exact gradient from the published surface; 60 resamples."""
    draws = bootstrap_surface(*runs, resamples=60, seed=42)
    rows = epoch_resamples(len(runs[0]), 60, seed=42)

    theirs = np.array([descend(*(column[row] for column in runs)).objective for row in rows])

    assert draws.converged.all()
    assert (draws.objective <= theirs * (1 + 1e-9)).all()


def test_draws_read_like_surfaces(runs):
    """Exponent and optimum of each draw are those of its surface."""
    draws = bootstrap_surface(*runs, resamples=5, seed=0, share=0.8)
    surfaces = [Surface(*row) for row in draws.parameters]

    np.testing.assert_allclose([s.a for s in surfaces], draws.a)
    np.testing.assert_allclose([s.tokens_per_parameter(1e23) for s in surfaces], draws.tokens_per_parameter(1e23))
    assert draws.has_optimum.all()
    assert 2 == draws.where(np.array([True, False, True, False, False])).a.size


def test_losses_that_want_a_negative_offset_are_fitted_without_one():
    """Where the least objective lies at E = 0 the search ends there, on any machine, and not on its way."""
    N, D = (side.ravel() for side in np.meshgrid(np.geomspace(1e3, 1e5, 5), np.geomspace(1e5, 1e7, 5)))
    loss = 6.6 * N**-0.075 + 7600 * D**-0.78 - 0.02 * np.sin(np.arange(N.size))

    fit = fit_surface(N, D, loss - 0.05)

    assert fit.surface.E < 1e-6
    assert fit.converged


def test_one_step_is_enough_for_many_points():
    """Of forty thousand points the surfaces of one Newton step are those of all steps, by a tenth of their spread."""
    table = plant(Planted(noise=0.003, sizes=4445), seed=3)
    N, D, loss = (table[name].to_numpy() for name in ("N", "D", "loss"))
    fit, points = fit_surface(N, D, loss, starts=1), Points.of(N, D, loss)
    weights = counts(draw_rows(N.size, 40, 0, None), N.size)

    step, steps = step_surfaces(points, fit, weights), refit_surfaces(points, fit, weights)

    assert steps.converged.all()
    np.testing.assert_allclose(steps.a, step.a, atol=0.1 * steps.a.std())


@pytest.mark.parametrize("share", [None, 0.8])
def test_blocks_are_the_resamples_some_at_a_time(share, monkeypatch):
    """The stream of the generator is that of one call, so intervals on record stay."""
    monkeypatch.setattr("repro.fits.laws.resamples.AT_ONCE", 700)

    parts = list(blocks(100, 50, 42, share))

    assert 8 == len(parts)
    np.testing.assert_array_equal(counts(draw_rows(100, 50, 42, share), 100), np.concatenate(parts))
