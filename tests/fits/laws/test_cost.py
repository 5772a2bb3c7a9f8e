"""Compute that a file states is followed: the optimum is that of the budget as it is counted."""

import numpy as np
import pytest

from repro.fits.laws.cost import SIX_N_D, cost_of
from repro.fits.laws.surface import Spending, Surface

LAW = Surface(E=1.8, A=480, B=2100, alpha=0.35, beta=0.37)
N, D = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 3e10, 12), np.geomspace(3e8, 6e11, 12)))


def _with_attention(N):
    """C over 6 N D where attention costs most in small models: 1.9 at 10M parameters, 1.07 at 30B."""
    return 1 + 0.9 * (N / 1e7) ** -0.32


def test_compute_of_6nd_is_the_usual_cost():
    """To the last digits, rounded, or with one row in ten mistaken."""
    for factor in (1.0, 1.004, np.where(np.arange(N.size) % 10, 1.0, 3.0)):
        assert SIX_N_D == cost_of(N, D, 6 * N * D * factor)


def test_the_cost_meets_the_runs():
    """Tokens that a stated budget pays for, within the factor that the cost says of itself."""
    C = 6 * N * D * _with_attention(N)
    cost = cost_of(N, D, C)

    assert 1 < cost.off < 1.03
    assert np.exp(np.abs(np.log(cost.tokens(C, N) / D)).max()) == pytest.approx(cost.off)


def test_the_optimum_is_the_least_loss_of_all_sizes_at_the_budget():
    """By brute force over sizes."""
    cost = cost_of(N, D, 6 * N * D * _with_attention(N))
    spending = Spending(LAW.table(), cost)
    sizes = np.geomspace(1e7, 1e11, 400_001)
    for C in (1e18, 1e20, 3e21):
        best = sizes[np.argmin(LAW.loss(sizes, cost.tokens(C, sizes)))]
        size, tokens = spending.optimum(C)
        assert best == pytest.approx(float(size), rel=1e-4)
        assert C == pytest.approx(6 * float(size) * float(tokens) * np.exp(float(cost.excess(size))))


def test_at_6nd_it_is_the_closed_form():
    spending = Spending(LAW.table(), SIX_N_D)

    assert LAW.a == float(spending.a)
    assert [float(x) for x in LAW.optimum(1e21)] == [float(x) for x in spending.optimum(1e21)]
