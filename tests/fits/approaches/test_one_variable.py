"""Laws of one variable on planted ladders: what each choice reads, and a law that is no constant of the ladder."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.fits.approaches.one_variable import (
    error_in_compute,
    error_in_tokens,
    error_of,
    exponent_in_compute,
    exponent_in_params,
    exponent_in_tokens,
    gain_of_size,
    held_out_sizes,
    nearer,
    shrinking_exponent,
)
from repro.fits.approaches.rungs import shared_tokens

SIZES = np.array([5e3, 11e3, 26e3, 41e3, 107e3, 227e3, 713e3])


def ladder(loss) -> pd.DataFrame:
    """Readings as a ladder gives them, their losses a function of N and D with a little noise between seeds."""
    rng, D = np.random.default_rng(0), 65_536 * 2.0 ** np.arange(8)
    rows = [(seed, n, n, n, d) for seed in range(5) for n in SIZES for d in D if 6 * n * d <= 1.45e12]
    table = pd.DataFrame(rows, columns=["seed", "width", "N", "N_inside", "D"])
    return table.assign(loss=loss(table["N"], table["D"]) * np.exp(0.001 * rng.standard_normal(len(table))))


def power(N, D):
    return 12 * N**-0.076 * (D / 1e6) ** -0.02


def growing(N, D):
    """A power of parameters whose exponent grows with the tokens read, 0.02 for each doubling after the first."""
    return 8 * (N / 5e3) ** (-0.02 * np.log2(D / 32_768))


def test_a_law_that_holds_is_found_by_every_choice():
    readings = ladder(power)
    D = shared_tokens(readings, sizes=6)
    alpha, beta = exponent_in_params(readings, D), exponent_in_tokens(readings)

    for truth, one in ((0.076, alpha), (0.02, beta)):
        for estimate in (one["estimate"], *one["also"].values()):
            assert truth == pytest.approx(estimate.value, abs=0.002)
    assert abs(held_out_sizes(readings, D, lambda held: error_of("N_inside", "pure", held))["estimate"].value) < 0.005
    assert abs(error_in_tokens(readings, "pure")["estimate"].value) < 0.005
    assert held_out_sizes(readings, D, nearer)["estimate"].low > 0
    assert gain_of_size(readings)["estimate"].low > 0


def test_an_exponent_that_grows_with_tokens_is_another_one_under_later_choices():
    readings = ladder(growing)
    D = shared_tokens(readings, sizes=6)
    alpha = exponent_in_params(readings, D)

    assert 0.1 == pytest.approx(alpha["estimate"].value, abs=0.002)
    assert [0.12, 0.14] == [pytest.approx(one.value, abs=0.003) for one in alpha["also"].values()]
    assert ["after 2,097,152 tokens, 5 models", "after 4,194,304 tokens, 4 models"] == list(alpha["also"])
    assert 0.2 == pytest.approx(shrinking_exponent(readings, D)["estimate"].value, abs=0.02)


def test_the_least_loss_at_a_budget_is_a_power_of_compute_where_the_losses_are():
    """With exponents 0.05 in both, every split of C = 6ND has the same loss, 0.05 its exponent."""
    readings = ladder(lambda N, D: 30 * (N * D) ** -0.05)

    assert 0.05 == pytest.approx(exponent_in_compute(readings).value, abs=0.001)
    assert 0 == pytest.approx(error_in_compute(readings).value, abs=0.005)
