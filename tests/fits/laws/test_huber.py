"""The Huber objective and its exact derivatives."""

import numpy as np
import pytest

from repro.fits.laws.huber import Points, derivatives, huber, objective
from repro.fits.laws.surface import BESIROGLU, HOFFMANN
from repro.fits.runs.planted import Planted, plant


@pytest.fixture(scope="module")
def points():
    runs = plant(Planted(noise=0.01), seed=3)
    return Points.of(runs["N"], runs["D"], runs["loss"])


@pytest.fixture(scope="module")
def thetas(points):
    scatter = np.random.default_rng(1).normal(0, 0.05, size=(6, 5))
    return points.centre(BESIROGLU.logs()) + scatter


def numeric(function, theta, step):
    """Central differences along each of the five parameters, stacked on the last axis."""
    shifts = step * np.eye(5)
    return np.stack([(function(theta + shift) - function(theta - shift)) / (2 * step) for shift in shifts], axis=-1)


def test_the_penalty_is_quadratic_inside_and_linear_outside():
    """Its value and its slope are continuous at delta."""
    np.testing.assert_allclose([0.5e-8, 0.5e-6, 1.5e-6], huber(np.array([1e-4, 1e-3, -2e-3]), 1e-3), rtol=1e-12)


@pytest.mark.parametrize("delta", [1e-3, 1e-1])
def test_the_gradient_is_the_slope_of_the_objective(points, thetas, delta):
    """Against central differences, with and without weights."""
    weights = np.random.default_rng(2).integers(0, 4, size=(len(thetas), points.x.size)).astype(float)

    for weighted in (None, weights):
        expected = numeric(lambda theta, w=weighted: objective(points, theta, weights=w, delta=delta), thetas, 1e-6)
        got = derivatives(points, thetas, weights=weighted, delta=delta)[1]
        np.testing.assert_allclose(expected, got, rtol=1e-5, atol=1e-6 * np.abs(got).max())


@pytest.mark.parametrize("delta", [1e-3, 1e-1])
def test_the_hessian_is_the_slope_of_the_gradient(points, thetas, delta):
    """Exact, so that Newton's last steps double the digits; so small a difference moves no point across delta."""
    expected = numeric(lambda theta: derivatives(points, theta, delta=delta)[1], thetas, 1e-9)
    got = derivatives(points, thetas, delta=delta)[2]

    np.testing.assert_allclose(expected, got, rtol=1e-3, atol=1e-5 * np.abs(got).max())
    np.testing.assert_array_equal(got, got.transpose(0, 2, 1))


def test_weights_count_points(points, thetas):
    """A point of weight two is that point twice; blocks of problems change nothing."""
    rows = np.random.default_rng(3).integers(points.x.size, size=points.x.size)
    weights = np.bincount(rows, minlength=points.x.size).astype(float)
    drawn = Points(points.x[rows], points.y[rows], points.z[rows], points.shift)
    many = np.repeat(thetas, 20, axis=0)

    expected = np.repeat(objective(drawn, thetas), 20)
    got = objective(points, many, weights=np.tile(weights, (len(many), 1)))

    np.testing.assert_allclose(expected, got, rtol=1e-12)


def test_centring_is_undone(points):
    """The parameters of the fit and those of the paper are the same surface."""
    np.testing.assert_allclose(HOFFMANN.logs(), points.restore(points.centre(HOFFMANN.logs())), rtol=1e-14)


def test_a_surface_that_overflows_is_infinitely_bad(points):
    """So that a line search steps back from it."""
    assert np.inf == objective(points, np.array([[900.0, 0, 0, 1, 1]]))[0]


@pytest.mark.parametrize(
    ("loss", "said"),
    [([2.0] * 5, "at least 6"), ([2.0] * 5 + [0.0], "not positive"), ([2.0] * 5 + [np.nan], "positive")],
)
def test_points_that_cannot_be_fitted_are_refused(loss, said):
    """Too few, or without a logarithm."""
    with pytest.raises(ValueError, match=said):
        Points.of(np.ones(len(loss)), np.ones(len(loss)), loss)
