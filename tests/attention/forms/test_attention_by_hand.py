"""Each identity of the page is caught by a variant that must break it; counts equal closed forms."""

from __future__ import annotations

import math

import pytest

from repro.attention.forms.configurations import (
    FORMS,
    MASKS,
    WRITTEN,
    Crossed,
    Definition,
    Filled,
    Reordered,
    Saturation,
    Seen,
)
from repro.attention.forms.measurements import (
    cross_attention,
    definition,
    filled_weights,
    reordered_attention,
    saturation,
    seen_pairs,
)
from repro.attention.forms.patterns import full_pairs, strided_pairs, window_pairs


@pytest.mark.parametrize("written", WRITTEN)
def test_only_attention_as_told_equals_torchs(written):
    difference = definition(Definition(written=written), 0)["difference"]

    assert (difference < 1e-12) == (written == "as told")
    assert difference < 1e-12 or difference > 0.1


@pytest.mark.parametrize("form", FORMS)
def test_a_form_equals_its_definition_unless_a_step_is_left_out(form):
    difference = reordered_attention(Reordered(form=form, tokens=40), 0)["difference"]
    wrong = form in ("tiles, not rescaled", "softmax, reordered")

    assert difference > 0.1 if wrong else difference < 1e-12


def test_the_scale_and_no_other_division_keeps_weights_and_gradients():
    def largest(divided_by):
        return saturation(Saturation(key_width=1024, divided_by=divided_by), 0)["largest"]

    assert largest("width") < 0.03 < largest("root of the width") < 0.3 < 0.8 < largest("none")


def test_uniform_weights_have_the_jacobian_of_the_closed_form():
    """diag(1/n) - 1/n^2 has the norm root(n - 1) / n."""
    found = saturation(Saturation(key_width=2**16, divided_by="width", keys=4, queries=8), 0)

    assert math.sqrt(3) / 4 == pytest.approx(found["gradient"], rel=1e-3)


@pytest.mark.parametrize(("mask", "pairs", "ahead"), [*zip(MASKS, (16, 10, 13), (True, False, True), strict=True)])
def test_derivatives_tell_a_mask_from_one_that_is_off_by_one(mask, pairs, ahead):
    found = seen_pairs(Seen(mask=mask, tokens=4), 0)

    assert (pairs / 16, ahead) == (found["pairs"], found["ahead"] > 0)


def test_a_small_fill_leaks_and_a_large_one_does_not_fit_half_precision():
    assert filled_weights(Filled(fill=-5), 0)["hidden"] > 1e-4
    assert filled_weights(Filled(dtype="float16"), 0) == {"taken": 0, "hidden": None, "none_visible": None}


def test_cross_attention_minds_which_value_a_key_has():
    found = cross_attention(Crossed(), 0)

    assert found["length"] == Crossed().queries
    assert found["permuted"] < 1e-12 < 0.1 < found["keys_alone"]


def test_patterns_read_the_pairs_that_their_rules_name():
    pairs = [(query, key) for query in range(40) for key in range(query + 1)]

    assert len(pairs) == full_pairs(40)
    assert sum(query - key < 7 or key < 5 for query, key in pairs) == window_pairs(40, 7, 5)
    assert sum(query - key < 6 or (query - key) % 6 == 5 for query, key in pairs) == strided_pairs(40)
