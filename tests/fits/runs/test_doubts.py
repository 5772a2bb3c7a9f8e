"""What runs cannot tell is refused by the name of the column, all of it or nearly."""

import numpy as np
import pandas as pd
import pytest

from repro.fits.runs.doubts import refuse_without_choice
from repro.fits.runs.reading import BadRuns, read_runs

NEARLY = np.random.default_rng(5).permutation(np.geomspace(0.97, 1.03, 40))


def _runs(law, N, D):
    N, D = np.broadcast_arrays(N, D)
    rng = np.random.default_rng(0)
    loss = law.loss(N, D) * np.exp(0.003 * rng.standard_normal(N.shape))
    return pd.DataFrame({"params": N, "tokens": D, "loss": loss}).sample(frac=1, random_state=0)


SIZES, TOKENS = np.geomspace(1e7, 1e10, 40), np.geomspace(3e8, 6e11, 40)


@pytest.mark.parametrize(
    "N, D, reason",
    [
        (7e9, TOKENS, r"column 'params' is 7e\+09 in every run"),
        (7e9 * NEARLY, TOKENS, r"column 'params' lies between 6.79e\+09 and 7.21e\+09 in every run"),
        (np.where(SIZES > 9e9, SIZES, 7e9), TOKENS, r"column 'params' is 7e\+09 in 39 of 40 runs"),
        (np.where(SIZES > 4e8, 1e8, 1e9), TOKENS, "column 'params' has 2 values in 40 runs"),
        (SIZES, 1e10, r"column 'tokens' is 1e\+10 in every run"),
        (SIZES, 1e10 * NEARLY, r"column 'tokens' lies between 9.7e\+09 and 1.03e\+10 in every run"),
        (SIZES, 20 * SIZES, "D / N is 20 in every run: column 'params' and column 'tokens' say the same"),
        (SIZES, 20 * SIZES * NEARLY, "D / N lies between 19.4 and 20.6 in every run"),
        (SIZES, np.where(SIZES > 9e9, 1e9, 20 * SIZES), "D / N is 20 in 39 of 40 runs"),
        (SIZES, 1e5 * SIZES**0.6, r"D grows as N\^0.6 in every run"),
    ],
)
def test_what_cannot_tell_is_refused_by_name(saved, law, N, D, reason):
    with pytest.raises(BadRuns, match=reason):
        read_runs(saved(_runs(law, N, D)))


@pytest.mark.parametrize(
    "loss, reason", [(2.5, "is 2.5 in every run"), (2.5 * NEARLY**0.01, "lies between 2.499 and 2.501")]
)
def test_a_constant_loss_is_refused(saved, law, loss, reason):
    with pytest.raises(BadRuns, match=f"column 'loss' {reason}"):
        read_runs(saved(_runs(law, SIZES, TOKENS[::-1]).assign(loss=loss)))


def test_a_quantity_that_follows_from_others_is_named_by_them(saved, law):
    """One D, given as C and N."""
    frame = _runs(law, SIZES, 1e10).assign(flops=lambda runs: 6 * runs["params"] * runs["tokens"])
    with pytest.raises(BadRuns, match=r"D \(from 'flops', 'params'\) is 1e\+10 in every run"):
        read_runs(saved(frame.drop(columns="tokens")))


def test_little_spread_is_doubted(saved, law):
    """A factor of 1.3 between the ratios tells something, but little."""
    read = read_runs(saved(_runs(law, SIZES, 20 * SIZES * NEARLY**4)))

    assert any("little spread: D / N lies between" in warning for warning in read.warnings)


def test_a_grid_tells_all(saved, law):
    """Nothing is doubted where nothing is wrong."""
    N, D = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 1e12, 6)))

    assert () == read_runs(saved(_runs(law, N, D))).warnings


@pytest.mark.parametrize("number", [1, 2])
def test_one_budget_says_nothing_of_growth(law, number):
    """Exactly one, or one but for a few per cent."""
    for C in (1e19, 1e19 * NEARLY):
        frame = pd.DataFrame({"N": SIZES, "C": C * np.ones(40)})
        with pytest.raises(ValueError, match="one budget: C"):
            refuse_without_choice(number, frame)


def test_one_size_at_each_budget_is_no_choice():
    """The envelope of a ladder at 20 tokens per parameter shows the ladder."""
    frame = pd.DataFrame({"N": SIZES, "C": 120 * SIZES**2 * NEARLY**7})

    with pytest.raises(ValueError, match="which sizes were tried, not which are best"):
        refuse_without_choice(1, frame)
