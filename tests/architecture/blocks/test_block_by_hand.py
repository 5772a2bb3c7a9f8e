"""Each identity of the page is caught by a variant that must break it."""

from __future__ import annotations

import pytest

from repro.architecture.blocks.configurations import (
    UNITS,
    Across,
    Derivatives,
    Gate,
    Hidden,
    Lookup,
    Norms,
    Stack,
    SubLayers,
)
from repro.architecture.blocks.measurements import (
    directional_derivatives,
    embedding_rows,
    exclusive_or,
    gated_part,
    norm_identities,
    one_matrix,
    places_read,
    sublayer_orders,
)


def test_rmsnorm_is_torchs_and_minds_a_mean_that_layernorm_ignores():
    found = norm_identities(Norms(), 0)

    assert max(found["torch"], found["centred"], found["layer_moved"]) < 1e-12
    assert min(found["uncentred"], found["rms_moved"]) > 1


@pytest.mark.parametrize("swapped", [False, True])
def test_a_gate_in_the_place_of_the_value_is_another_part(swapped):
    difference = gated_part(Gate(swapped=swapped), 0)["difference"]

    assert difference > 0.1 if swapped else difference < 1e-12


def test_attention_reads_other_places_and_the_feed_forward_part_none():
    assert places_read(Across(), 0)["others"] == 0
    assert places_read(Across(part="attention"), 0)["others"] > 0.01


def test_a_silent_sub_layer_leaves_the_stream_to_the_code_but_not_to_the_formula():
    found = sublayer_orders(SubLayers(), 0)

    assert found["code_silent"] == 0
    assert min(found["apart"], found["formula_silent"]) > 0.1


def test_a_lookup_is_a_product_with_one_hot_rows_and_trains_its_rows_alone():
    assert embedding_rows(Lookup(), 0) == {"difference": 0, "more_rows": 0}


def test_a_gradient_that_is_stopped_somewhere_is_told_from_the_gradient():
    assert directional_derivatives(Derivatives(directions=10), 0)["error"] < 1e-5
    assert directional_derivatives(Derivatives(directions=10, detached=True), 0)["error"] > 0.1


def test_layers_are_one_matrix_until_something_stands_between_them():
    assert one_matrix(Stack(), 0)["difference"] < 1e-12
    assert one_matrix(Stack(activated=True), 0)["difference"] > 0.1


def test_exclusive_or_wants_something_that_is_not_linear():
    assert [1, 0, 0] == pytest.approx([exclusive_or(Hidden(unit=unit), 0)["loss"] for unit in UNITS], abs=1e-12)
