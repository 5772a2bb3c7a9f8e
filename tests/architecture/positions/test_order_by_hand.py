"""Each identity of the page is caught by a variant that must break it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.architecture.positions.configurations import (
    ROTATED,
    Biases,
    Forms,
    Permuted,
    Placed,
    PositionTable,
    Rotations,
)
from repro.architecture.positions.measurements import (
    lengths_refused,
    linear_biases,
    moved_states,
    permuted_states,
    rotated_scores,
    rotation_forms,
)
from repro.models.decoder import Decoder

SHAPE = Decoder(vocabulary=32, width=16, layers=2, heads=2, context=48)


@pytest.mark.parametrize("rotated", ROTATED)
def test_only_a_turned_query_and_key_score_by_distance_alone(rotated):
    spread = rotated_scores(Rotations(rotated=rotated, places=100), 0)["spread"]

    assert (spread < 1e-9) == (rotated == "query and key")
    assert spread < 1e-9 or spread > 5


def test_the_forms_of_a_rotation_agree_and_keep_lengths_but_layouts_must_be_told_apart():
    found = rotation_forms(Forms(), 0)

    assert max(found["forms"], found["reordered"], found["length"]) < 1e-12
    assert found["mistaken"] > 1


def test_slopes_of_eight_heads_are_the_papers_and_those_of_twelve_are_filled_up_there():
    assert linear_biases(Biases(heads=8), 0) == {"difference": 0, "published": 0}
    assert linear_biases(Biases(heads=12), 0)["published"] > 0.05


@pytest.mark.parametrize("kind", ["rope", "alibi", "learned", "sinusoidal"])
def test_an_encoding_is_relative_or_is_added_to_embeddings(kind):
    found = moved_states(Placed(shape=replace(SHAPE, positions=kind)), 0)
    relative = kind in ("rope", "alibi")

    assert (found["moved"] < 1e-9, found["added"] == 0) == (relative, relative)
    assert found["read"] > 0.1
    assert found["parameters"] == (SHAPE.context * SHAPE.width if kind == "learned" else 0)


@pytest.mark.parametrize(("causal", "layers", "knows"), [(False, 2, False), (True, 1, False), (True, 2, True)])
def test_order_without_an_encoding_needs_a_mask_and_two_layers(causal, layers, knows):
    shape = replace(SHAPE, positions="none", layers=layers)

    assert (permuted_states(Permuted(shape=shape, causal=causal), 0)["last"] > 1e-9) == knows


def test_a_learned_table_ends_where_its_rows_do():
    found = lengths_refused(PositionTable(rows=8, lengths=(7, 8, 9)), 0)

    assert found["refused"] == [0, 0, 1]


def test_places_beyond_the_context_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match="end beyond the context of 48; give the shape a longer one"):
        Placed(shape=SHAPE, shift=40)
