"""Damped Newton on many problems at once."""

import numpy as np
import pytest

from repro.fits.laws.huber import Points
from repro.fits.laws.newton import minimise, newton_step
from repro.fits.laws.resamples import counts, epoch_resamples
from repro.fits.laws.starts import variable_projection
from repro.fits.laws.surface import Surface
from repro.fits.runs.planted import Planted, plant


def test_a_step_descends_whatever_the_curvature():
    """On a convex problem it is Newton's own step; on any other it still goes downhill."""
    generator = np.random.default_rng(0)
    gradient, root = generator.normal(size=(40, 5)), generator.normal(size=(40, 5, 5))
    convex = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(5)
    indefinite = (root + root.transpose(0, 2, 1)) / 2

    np.testing.assert_allclose(
        -np.linalg.solve(convex, gradient[:, :, None])[:, :, 0], newton_step(gradient, convex), rtol=1e-8
    )
    assert (np.einsum("pi,pi->p", gradient, newton_step(gradient, indefinite)) < 0).all()


def test_problems_do_not_see_one_another():
    """Solved together or one by one, each ends at the same minimum."""
    runs = plant(Planted(noise=0.01, sizes=9), seed=5)
    points = Points.of(runs["N"], runs["D"], runs["loss"])
    weights = counts(epoch_resamples(points.x.size, 12, seed=1), points.x.size)
    starts = np.tile(variable_projection(points, 1, 1e-3), (12, 1))

    together = minimise(points, starts, weights=weights)
    alone = [minimise(points, starts[[p]], weights=weights[[p]]).value[0] for p in range(12)]

    assert together.converged.all()
    np.testing.assert_allclose(alone, together.value, rtol=1e-12)


def test_no_step_ends_higher_than_it_began():
    """Even from starts far outside the data."""
    runs = plant(Planted(), seed=2)
    points = Points.of(runs["N"], runs["D"], runs["loss"])
    starts = np.random.default_rng(4).normal(0, 1, size=(50, 5))

    short, longer = (minimise(points, starts, rounds=rounds).value for rounds in (5, 50))

    assert (longer <= short).all()


def test_a_projection_onto_the_true_exponents_is_the_truth():
    """Given the exponents, non-negative least squares finds the other three parameters of noise-free runs."""
    truth = Surface(E=1.8, A=400.0, B=900.0, alpha=0.3, beta=0.4)
    runs = plant(Planted(surface=truth, noise=0.0), seed=0)
    points = Points.of(runs["N"], runs["D"], runs["loss"])

    np.testing.assert_allclose(truth.logs(), points.restore(variable_projection(points, 1, 1e-3)[0]), rtol=1e-9)
    with pytest.raises(ValueError, match="expected 1 to 100"):
        variable_projection(points, 0, 1e-3)
