"""Which points a resample holds."""

import numpy as np
import pytest

from repro.fits.laws.resamples import counts, draw_rows, epoch_resamples, subsamples


def test_resamples_are_those_of_the_published_notebook():
    """numpy.random.seed(42), then numpy.random.choice once a resample."""
    np.random.seed(42)
    theirs = np.stack([np.random.choice(240, size=240, replace=True) for _ in range(50)])

    np.testing.assert_array_equal(theirs, epoch_resamples(240, 50, seed=42))


def test_a_subsample_holds_each_point_at_most_once():
    """Four fifths of 240 points are 192 of them."""
    rows = subsamples(240, 10, seed=0, share=0.8)

    assert (10, 192) == rows.shape
    assert 1 == counts(rows, 240).max()


def test_counts_add_up_to_the_draws():
    """Every draw is counted once, in its own resample."""
    rows = epoch_resamples(30, 7, seed=1)

    np.testing.assert_array_equal([np.bincount(row, minlength=30) for row in rows], counts(rows, 30))


def test_a_share_decides_between_the_two_schemes():
    """None resamples all points with replacement; a share takes so many without."""
    np.testing.assert_array_equal(epoch_resamples(20, 3, seed=5), draw_rows(20, 3, seed=5, share=None))
    np.testing.assert_array_equal(subsamples(20, 3, seed=5, share=0.8), draw_rows(20, 3, seed=5, share=0.8))


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5])
def test_a_share_that_is_none_is_refused(share):
    """All points without replacement are no resample."""
    with pytest.raises(ValueError, match=r"above 0 and below 1"):
        subsamples(10, 1, seed=0, share=share)
