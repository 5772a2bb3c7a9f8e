"""A surface that does not fit is found out, on planted ladders: once a surface, once another form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.fits.approaches.residuals import fits, residuals
from repro.fits.approaches.rungs import over_seeds, planted_losses, surface_of

SIZES = np.array([5e3, 11e3, 26e3, 41e3, 107e3, 227e3, 713e3])


@pytest.fixture
def readings() -> pd.DataFrame:
    """Five seeds of a ladder whose losses are a surface's, with noise of 1 % between seeds."""
    D = 65_536 * 2.0 ** np.arange(8)
    rows = [(seed, n, n, d) for seed in range(5) for n in SIZES for d in D if 6 * n * d <= 1.45e12]
    return planted_losses(pd.DataFrame(rows, columns=["seed", "width", "N", "D"]), a=0.5, noise=0.01)


def learns_late(readings: pd.DataFrame) -> pd.DataFrame:
    """The same, but nothing is learned in the first steps: the loss starts at that of a guess, and falls from there."""
    late = np.exp(-readings["D"] / 1e5)
    return readings.assign(loss=(1 - late) * readings["loss"] + late * np.log(512))


def test_a_true_surface_passes_and_a_ladder_of_another_form_is_refused(readings):
    assert fits(residuals(readings))
    assert not fits(residuals(learns_late(readings)))


def test_an_interval_over_seeds_does_not_see_a_wrong_form(readings):
    """So narrow an interval about a wrong exponent is what the residuals are there to stop."""
    exponent = over_seeds(learns_late(readings), lambda rows: surface_of(rows).a)

    assert 0.5 < exponent.low


def test_residuals_stand_where_their_reading_was_taken(readings):
    odd = (readings["width"] == 11e3) & (readings["D"] == 65_536 * 8)
    left = residuals(readings.assign(loss=np.where(odd, 1.1 * readings["loss"], readings["loss"])))

    assert (11e3, 65_536.0 * 8) == left.stack().abs().idxmax()
    assert 0.1 == pytest.approx(left.loc[11e3, 65_536.0 * 8], abs=0.02)
    assert 7 == len(left) and left.loc[SIZES[-1]].count() < left.loc[SIZES[0]].count() == 8
