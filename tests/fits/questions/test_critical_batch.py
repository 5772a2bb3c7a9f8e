"""The trade of data for steps: a planted one is found, and a curve is crossed where it crosses."""

from __future__ import annotations

import numpy as np
import pytest

from repro.fits.questions.critical_batch import BatchTradeOff, fit_trade_off, tokens_to_reach

BATCHES = np.array([256, 512, 1_024, 2_048, 4_096])


@pytest.mark.parametrize("critical", [150.0, 900.0, 20_000.0])
def test_a_planted_critical_batch_is_found(critical):
    planted = BatchTradeOff(1e5, critical)

    found = fit_trade_off(BATCHES, planted.tokens(BATCHES))

    assert (found.E_min, found.critical) == pytest.approx((1e5, critical), rel=1e-3)


def test_at_the_critical_batch_data_and_steps_are_both_doubled():
    """S_min is what infinitely large batches come to."""
    law = BatchTradeOff(1e5, 900.0)
    least_steps = law.tokens(1e12) / 1e12

    assert law.tokens(900.0) == pytest.approx(2 * law.E_min)
    assert law.tokens(900.0) / 900.0 == pytest.approx(2 * least_steps, rel=1e-6)


def test_two_batches_are_refused():
    with pytest.raises(ValueError, match="2 batch sizes"):
        fit_trade_off([256, 512], [1e5, 2e5])


def test_a_batch_that_never_reaches_the_loss_is_named():
    with pytest.raises(ValueError, match=r"4096.* never reach"):
        fit_trade_off([256, 512, 4096], [1e5, 2e5, float("inf")])


def test_a_curve_is_crossed_between_its_readings():
    tokens, losses = [1e3, 1e4, 1e5], [5.0, 4.0, 3.0]

    assert tokens_to_reach(3.5, tokens, losses) == pytest.approx(10**4.5)
    assert tokens_to_reach(6.0, tokens, losses) == pytest.approx(1e3)
    assert tokens_to_reach(2.0, tokens, losses) == float("inf")
