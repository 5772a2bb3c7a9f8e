"""Parameters: an unknown, mistyped or unread one is refused, with the nearest name."""

from __future__ import annotations

import pytest

from repro.bookkeeping.knobs import Knobs, UnknownParameter, UnreadParameter, check_parameters
from repro.floor.scale import Scale, Setting

SETTINGS = {Scale.SMOKE: Setting(Scale.SMOKE, "small", {"resamples": 100, "rate": 0.5, "public": False})}


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownParameter, match="did you mean resamples"):
        check_parameters({"scale": "smoke", "resample": 10}, SETTINGS)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"resamples": "many"}, "whole number"), ({"scale": "gpu"}, "declares smoke"), ({"compute": "always"}, "missing")],
)
def test_a_mistyped_parameter_is_refused(given, told):
    with pytest.raises((TypeError, ValueError), match=told):
        check_parameters({"scale": "smoke", **given}, SETTINGS)


def test_none_means_the_scales_own_value():
    knobs = Knobs(SETTINGS[Scale.SMOKE], {"resamples": None, "rate": 1})

    assert (100, 1.0) == (knobs.resamples, knobs.rate)
    assert not knobs.declared
    assert [("resamples", 100, 100), ("rate", 0.5, 1.0), ("public", False, False)] == knobs.rows()


def test_giving_the_scales_own_value_is_no_change():
    assert Knobs(SETTINGS[Scale.SMOKE], {"resamples": 100}).declared


def test_a_parameter_that_nobody_reads_is_refused():
    knobs = Knobs(SETTINGS[Scale.SMOKE], {"rate": 0.1})
    with pytest.raises(UnreadParameter, match="rate"):
        knobs.refuse_unread()

    assert 0.1 == knobs.rate
    knobs.refuse_unread()
