"""Hartigan's dip, against closed forms and the reference implementation's numbers."""

import numpy as np
import pytest

from repro.statistics import dip, dip_p_value


def test_the_dip_of_known_samples():
    """Evenly spread values have the least dip, two points the largest; mirror, shift and stretch change nothing."""
    assert 1 / 20 == pytest.approx(dip(range(10)))
    assert 1 / 4 == pytest.approx(dip([0.0] * 5 + [1.0] * 5))
    assert dip([1, 2, 3, 7, 8, 8, 8]) == pytest.approx(dip([5, -5, -15, -55, -65, -65, -65]))


def test_the_dip_of_samples_that_the_diptest_package_has_scored():
    """Its version 0.12.0, on values with and without ties."""
    assert 0.198 == pytest.approx(dip([0, 0.01, 1, 1.01, 1.02]))
    assert 0.2125 == pytest.approx(dip([*np.arange(16) * 0.01, *1 + np.arange(16) * 0.01]))
    assert 0.125 == pytest.approx(dip([0, 0.4, 0.6, 0.8, 0.8, 0.8, 1, 1]))
    assert 0.125 == pytest.approx(dip([0, 0, 0.2, 0.6, 0.8, 1]))


def test_two_heaps_are_told_from_one():
    """Seeds of which half have learned; and seeds that all have, more or less."""
    generator = np.random.default_rng(0)
    one = generator.normal(0.7, 0.1, 25)
    two = np.concatenate([generator.normal(0.4, 0.05, 12), generator.normal(1.0, 0.02, 13)])

    assert dip_p_value(two, draws=300) < 0.01 < 0.1 < dip_p_value(one, draws=300)


def test_three_values_are_refused():
    with pytest.raises(ValueError, match="3 values; a dip needs four"):
        dip([1, 2, 3])
