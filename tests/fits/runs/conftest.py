"""Runs of a known law, for every test of how they are read."""

import pytest

from repro.fits.laws.surface import Surface
from repro.fits.runs.planted import Planted, plant

LAW = Surface(E=1.8, A=480, B=2100, alpha=0.35, beta=0.37)


@pytest.fixture
def law():
    """The truth: a = 0.37 / 0.72."""
    return LAW


@pytest.fixture(scope="session")
def runs():
    """54 runs of it, at six budgets, nine sizes each around the best, with 0.3 % noise on the loss."""
    budgets = (1e18, 3e18, 1e19, 3e19, 1e20, 3e20)
    return plant(Planted(surface=LAW, noise=0.003, budgets=budgets, sizes=9, tokens_per_parameter=None), seed=0)


@pytest.fixture
def saved(tmp_path):
    """A function that writes a table of runs as a CSV and gives its path."""

    def save(frame, name="runs.csv", **options):
        path = tmp_path / name
        frame.to_csv(path, index=False, **options)
        return path

    return save
