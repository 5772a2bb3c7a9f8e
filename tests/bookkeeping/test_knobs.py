"""Parameters: an unknown, mistyped or unread one is refused, with the nearest name."""

from __future__ import annotations

import pytest

from repro.bookkeeping.knobs import Knobs, UnknownParameter, UnreadParameter, check_parameters, read_parameters
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


DECLARED = {"rate": 0.5, "steps": 10, "rates": [0.5], "grids": [[0.5]], "model": "", "names": ["a"], "public": False}
READ = {
    "rate=1e-3": 0.001,
    "rate=1E3": 1000.0,
    "rate=.5e-2": 0.005,
    "rate=-2.e+1": -20.0,
    "rate=2": 2,
    "rates=[1e-3, 3e-3, 0.01]": [0.001, 0.003, 0.01],
    "rates=[1e-3]": [0.001],
    "grids=[[1e-3, 1], [2e4]]": [[0.001, 1], [20000.0]],
    "unknown=1e-3": 0.001,
    "unknown='1e-3'": "1e-3",
    "public=yes": True,
    "steps=": None,
    "model=": None,
    "model=null": None,
    "model=1e-3": "1e-3",
    "model=12e45": "12e45",
    "model=010": "010",
    "model='yes'": "yes",
    'model="a b"': "a b",
    "model=a: b.csv": "a: b.csv",
    "model=my file #2.csv": "my file #2.csv",
    "model=a=b": "a=b",
    "model=[x": "[x",
    "names=[1e-3, yes, 010]": ["1e-3", "yes", "010"],
    "scale=smoke": "smoke",
}


@pytest.mark.parametrize("word", READ)
def test_a_value_on_the_command_line_is_what_its_knob_makes_of_it(word):
    """What is meant as a text stays one, however it looks; a number may do without the point that YAML 1.1 wants."""
    [value] = read_parameters([word], DECLARED).values()

    assert (READ[word], type(READ[word])) == (value, type(value))


@pytest.mark.parametrize(
    "word", ["rate", "=3", "rates=[1", "rate=*x", "rate=!!python/none 1", "rate=2024-13-45", "rates=" + "[" * 5000]
)
def test_a_value_that_cannot_be_read_is_refused_by_its_word(word):
    with pytest.raises(ValueError, match=r"^-p .*expected"):
        read_parameters([word], DECLARED)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e400, 10**400])
def test_a_knob_takes_no_number_without_a_size(value):
    with pytest.raises(ValueError, match=r"rate = .* is no finite number; expected one"):
        check_parameters({"rate": value}, SETTINGS)


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
