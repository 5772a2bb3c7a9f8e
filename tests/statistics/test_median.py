"""The median's interval: covers as the binomial law says, whatever the values' law, and shrugs off a bad round."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from repro.statistics import median_interval


@pytest.mark.parametrize("n", [8, 12, 13, 25, 60])
def test_the_interval_is_the_narrowest_between_order_statistics_that_covers(n: int):
    """Between the k-th lowest and the k-th highest lies the median unless fewer than k values fall on one side."""
    whole = median_interval(list(range(1, n + 1)))
    k = int(whole.low)

    assert (n + 1 - k, (n + 1) / 2) == (whole.high, whole.value)
    assert 1 - 2 * stats.binom.cdf(k - 1, n, 0.5) >= 0.99 > 1 - 2 * stats.binom.cdf(k, n, 0.5)


def test_the_interval_covers_the_median_of_skewed_values():
    draws = np.random.default_rng(0).lognormal(sigma=1.5, size=(200, 12))
    ends = [median_interval(row) for row in draws]

    assert 0.98 < np.mean([e.low <= 1 <= e.high for e in ends]) <= 1


@pytest.mark.parametrize("bad", [0.01, 1e6])
def test_one_bad_round_of_twelve_does_not_ruin_it(bad: float):
    good = [1.30, 1.31, 1.29, 1.33, 1.28, 1.30, 1.32, 1.27, 1.31, 1.30, 1.29]

    spoilt = median_interval([*good, bad])

    assert min(good) <= spoilt.low <= spoilt.value <= spoilt.high <= max(good)


@pytest.mark.parametrize(("values", "complaint"), [([1.0] * 7, "7 values"), ([1.0] * 11 + [np.nan], "not measured")])
def test_what_gives_no_interval_is_refused(values: list[float], complaint: str):
    with pytest.raises(ValueError, match=complaint):
        median_interval(values)
