"""Scales declare the same knobs, and a knob takes only what it can hold."""

from __future__ import annotations

import pytest

from repro.floor.scale import Scale, fitting_knob, load_help, load_scales


def write(folder, text):
    path = folder / "scales.toml"
    path.write_text(text)
    return path


def test_scales_are_read_in_order_with_their_scope(tmp_path):
    path = write(tmp_path, '[knobs]\nn = "number"\n[cpu]\nscope = "b"\nn = 2\n[smoke]\nscope = "a"\nn = 1\n')
    settings = load_scales(path)

    assert {"n": "number"} == load_help(path)
    assert [Scale.SMOKE, Scale.CPU] == list(settings)
    assert ("b", {"n": 2}) == (settings[Scale.CPU].scope, settings[Scale.CPU].knobs)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[huge]\nscope = "x"\n', "huge"),
        ("[smoke]\nn = 1\n", "scope"),
        ('[smoke]\nscope = "a"\nn = 1\n[cpu]\nscope = "b"\n', "lacks"),
        ('[smoke]\nscope = "a"\nn = 1\n', r"\[knobs\] tells of \[\]; expected a few words on each of \['n'\]"),
        ('[knobs]\nn = ""\nm = ""\n[smoke]\nscope = "a"\nn = 1\n', r"tells of \['m', 'n'\]"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path, text, told):
    with pytest.raises(ValueError, match=told):
        load_scales(write(tmp_path, text))


def test_numbers_fit_each_other_and_texts_fit_nothing():
    assert 2.0 == fitting_knob("rate", 2, 0.5)
    assert 2 == fitting_knob("steps", 2.0, 10)
    for given, declared in [("2", 10), (2.5, 10), (1, True), (True, 1), ("a", [1])]:
        with pytest.raises(TypeError, match="expected"):
            fitting_knob("knob", given, declared)
