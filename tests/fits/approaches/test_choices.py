"""Choices of the analysis: a truth that any choice finds, and one that only the choice made would have found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.fits.approaches.choices import CHOICES, under_choices, under_spans
from repro.fits.approaches.rungs import over_seeds, planted_losses, surface_of

SIZES = np.array([5e3, 11e3, 26e3, 41e3, 107e3, 227e3, 713e3])


@pytest.fixture
def readings() -> pd.DataFrame:
    D = 65_536 * 2.0 ** np.arange(8)
    rows = [(seed, n, n, d) for seed in range(5) for n in SIZES for d in D if 6 * n * d <= 1.45e12]
    return planted_losses(pd.DataFrame(rows, columns=["seed", "width", "N", "D"]), a=0.5)


def test_where_the_form_holds_no_choice_matters(readings):
    for name, exponent in under_choices(
        lambda table: over_seeds(table, lambda rows: surface_of(rows).a), readings
    ).items():
        assert exponent.low < 0.5 < exponent.high, name
    for exponent in under_spans(readings).values():
        assert 0.5 == pytest.approx(exponent.value, abs=0.05)


def test_one_odd_rung_is_seen_by_leaving_it_out(readings):
    """The smallest model has been given a bad learning rate: every seed agrees on an exponent that is its doing."""
    odd = readings.assign(loss=np.where(readings["N"] == SIZES[0], 1.1, 1.0) * readings["loss"])
    exponents = under_choices(lambda table: over_seeds(table, lambda rows: surface_of(rows).a), odd)

    assert exponents["narrowest model left out"].low < 0.5 < exponents["narrowest model left out"].high
    assert abs(exponents["widest model left out"].value - 0.5) > 0.03


def test_each_choice_drops_what_its_name_says(readings):
    dropped = {name: readings.drop(keep(readings).index) for name, keep in CHOICES.items()}

    assert {65_536.0} == set(dropped["first reading left out"]["D"])
    assert {SIZES[0]} == set(dropped["narrowest model left out"]["N"])
    assert {SIZES[-1]} == set(dropped["widest model left out"]["N"])
