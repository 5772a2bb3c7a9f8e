"""The metrics of one set of answers, against closed forms."""

import numpy as np
import pytest

from repro.abilities.scores import answer_scores, edit_distance, items_needed


def planted(accuracy: list[float], count: int = 40_000) -> dict[str, float]:
    """Scores of a model whose tokens are right independently, with these probabilities; it knows how sure to be."""
    generator, places = np.random.default_rng(0), np.array(accuracy)
    right = generator.integers(10, size=(count, len(places)))
    wrong = (right + generator.integers(1, 10, size=right.shape)) % 10
    given = np.where(generator.random(right.shape) < places, right, wrong)
    p = np.broadcast_to(((1 - places) / 9)[None, :, None], (*right.shape, 10)).copy()
    np.put_along_axis(p, given[..., None], places[None, :, None], axis=2)
    return answer_scores(given, right, np.log(p))


def test_equal_and_independent_tokens_follow_the_power_law():
    """The positive control of p^L: the law must hold where its assumptions do."""
    found = planted([0.8] * 4)

    assert 0.8**4 == pytest.approx(found["exact_match"], abs=0.01)
    assert found["power_law"] == pytest.approx(found["product"], abs=0.01)


def test_unequal_positions_follow_their_product_and_not_the_power_law():
    """Digits that are learned one after another: the mean over positions hides the one that is missing."""
    found = planted([0.999, 0.95, 0.1])

    assert 0.095 == pytest.approx(found["exact_match"], abs=0.01)
    assert 0.095 == pytest.approx(found["product"], abs=0.01)
    assert 0.3 < found["power_law"]


def test_a_certain_and_right_model_has_every_perfect_score():
    right = np.array([[1, 2, 3], [4, 5, 6]])
    found = answer_scores(right, right, np.where(np.arange(10) == right[..., None], 0.0, -100.0))

    assert [1, 1, 1, 1, 1, 1] == pytest.approx(
        [
            found[k]
            for k in ("exact_match", "token_accuracy", "answer_probability", "power_law", "product", "half_right")
        ]
    )
    assert [0, 0, 0] == pytest.approx([found[k] for k in ("edit_distance", "brier", "cross_entropy")])


def test_a_shifted_answer_is_two_edits_away_and_wrong_at_every_place():
    """One deletion and one insertion: what Hamming counts as four errors."""
    given, right = np.array([[1, 2, 3, 4], [1, 2, 3, 4]]), np.array([[2, 3, 4, 5], [1, 2, 3, 4]])

    assert [2, 0] == list(edit_distance(given, right))


def test_the_items_that_a_zero_needs():
    """The reference values: 2,995 problems show a rate of one in a thousand at 95 %."""
    assert 2_995 == items_needed(0.001)
    assert 1_663 == items_needed(0.0018)
