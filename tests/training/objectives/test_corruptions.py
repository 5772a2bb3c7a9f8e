"""What objectives hide and ask for."""

import numpy as np
import pytest

from repro.floor.measurement import registered
from repro.training.objectives import measurements
from repro.training.objectives.configurations import Collated, Marks, Objective, Spanned
from repro.training.objectives.corruptions import batch_of, drawn_spans, restored, spans_apart

MARKS = Marks(words=12)
LINES = np.random.default_rng(0).integers(12, size=(200, 40))
SPANS = Objective(kind="spans")


@pytest.mark.parametrize("kind", ["causal", "masked", "any rate", "spans", "whole"])
def test_targets_are_words_of_the_line_in_their_places_and_weights_sum_to_one(kind: str):
    batch = batch_of(Objective(kind=kind), MARKS, LINES, np.random.default_rng(1))

    assert 1.0 == pytest.approx(batch.weights.sum())
    assert batch.inputs.shape == batch.targets.shape == batch.weights.shape
    if kind not in ("spans", "whole"):
        assert np.array_equal(LINES, batch.targets[:, -40:])


def test_what_is_masked_is_what_is_asked_for():
    """No word that is not asked for is changed, and a tenth of those asked for stays as it is."""
    batch = batch_of(Objective(kind="masked"), MARKS, LINES, np.random.default_rng(1))
    asked, changed = batch.weights > 0, batch.inputs != batch.targets

    assert not (changed & ~asked).any()
    assert 0.15 == pytest.approx(asked[:, 1:].mean(), abs=0.01)
    assert 0.1 + 0.1 / 12 == pytest.approx((~changed & asked).sum() / asked.sum(), abs=0.03)


def test_both_collators_keep_to_the_recipe():
    """15 %, then 80, 10 and 10; a random word is the token itself once in as many as there are words."""
    for library in (True, False):
        found = registered()["masks_drawn"](Collated(library=library, tokens=200_000), 1)
        assert 0.15 == pytest.approx(found["asked"], abs=0.003)
        assert [0.8, 0.0999, 0.1001] == pytest.approx([found[name] for name in ("mask", "other", "same")], abs=0.006)
        assert 0 == found["changed_unasked"]


def test_a_line_is_restored_from_its_rest_and_its_spans():
    given, target = spans_apart(LINES, SPANS, MARKS, np.random.default_rng(2))

    assert (36, 9) == (given.shape[1], target.shape[1])
    assert all(np.array_equal(line, restored(*pair, MARKS)) for line, *pair in zip(LINES, given, target, strict=True))
    unmarked = target[0][target[0] != MARKS.first_sentinel + 1]  # planted: spans that run together
    assert not np.array_equal(LINES[0], restored(given[0], unmarked, MARKS))


def test_spans_that_may_touch_are_found_by_their_mean():
    """Planted: as many words hidden one by one, whose runs are no spans of three."""
    hidden, first = drawn_spans(500, 512, SPANS, np.random.default_rng(3))
    shuffled = np.random.default_rng(4).permuted(hidden, axis=1)

    assert 77 * 500 == hidden.sum() and 26 * 500 == first.sum()
    assert 2.9 < _mean_run(hidden) < 3.1
    assert _mean_run(shuffled) < 1.5


def test_the_measurement_of_spans_counts_what_is_not_restored():
    found = measurements.spans_taken(Spanned(objective=SPANS, lines=50), 0)

    assert 0 == found["unrestored"] and 104 / 512 == found["target"]


def test_more_spans_than_sentinels_are_refused():
    with pytest.raises(ValueError, match="give one more than there are spans"):
        spans_apart(LINES, SPANS, Marks(words=12, sentinels=2), np.random.default_rng(0))


def _mean_run(hidden: np.ndarray) -> float:
    begins = np.diff(np.pad(hidden, ((0, 0), (1, 0))).astype(int), axis=1) == 1
    return float(hidden.sum() / begins.sum())
