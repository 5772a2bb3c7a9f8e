"""Planted runs."""

import numpy as np
import pandas as pd
import pytest

from repro.fits.laws.surface import BESIROGLU
from repro.fits.runs.planted import Planted, noisy_loss, plant


def test_planted_runs_lie_on_their_surface_but_for_the_noise():
    """Log loss scatters by what was asked for, about the truth."""
    runs = plant(Planted(noise=0.01, sizes=200), seed=0)
    scatter = np.log(runs["loss"] / BESIROGLU.loss(runs["N"], runs["D"]))

    assert pytest.approx(0.01, rel=0.05) == scatter.std()
    assert abs(scatter.mean()) < 0.001
    np.testing.assert_allclose(runs["C"], 6 * runs["N"] * runs["D"], rtol=1e-12)


def test_the_seed_alone_decides_the_noise():
    """The same seed plants the same runs."""
    pd.testing.assert_frame_equal(plant(Planted(), seed=4), plant(Planted(), seed=4))
    assert not plant(Planted(), seed=4)["loss"].equals(plant(Planted(), seed=5)["loss"])


@pytest.mark.parametrize("tokens_per_parameter", [20.0, None])
def test_the_layout_is_centred_where_it_says(tokens_per_parameter):
    """On a fixed D/N, or on the surface's own optimum."""
    planted = Planted(sizes=5, tokens_per_parameter=tokens_per_parameter)
    middle = plant(planted, seed=0).iloc[2]
    expected = BESIROGLU.tokens_per_parameter(middle["C"]) if tokens_per_parameter is None else 20.0

    assert float(expected) == pytest.approx(middle["D"] / middle["N"])


def test_noise_can_be_laid_on_given_runs():
    """Without noise the loss is the surface's own."""
    N, D = np.array([1e8, 1e9]), np.array([1e10, 1e11])

    np.testing.assert_array_equal(BESIROGLU.loss(N, D), noisy_loss(BESIROGLU, N, D, noise=0.0, seed=0))
