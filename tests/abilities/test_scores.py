"""The metrics of one set of answers, against closed forms."""

from typing import Any

import numpy as np
import pytest

from repro.abilities.scores import answer_scores, edit_distance, items_needed, numeric_error


def planted(accuracy: list[float], count: int = 40_000, *, tied: bool = False) -> dict[str, Any]:
    """Scores of a model whose tokens are right with these probabilities; it knows how sure to be.

    Independently, or tied: from one draw an answer, so that the places before a right one of less chance are right.
    """
    generator, places = np.random.default_rng(0), np.array(accuracy)
    right = generator.integers(10, size=(count, len(places)))
    wrong = (right + generator.integers(1, 10, size=right.shape)) % 10
    draws = generator.random((count, 1) if tied else right.shape)
    given = np.where(draws < places, right, wrong)
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


def test_places_that_fail_together_follow_the_chain_alone():
    """Exact match is that of the worst place, 0.6; the chain is exact for independent places, too."""
    found = planted([0.8, 0.7, 0.6], tied=True)

    assert 0.6 == pytest.approx(found["exact_match"], abs=0.01) == pytest.approx(found["chain"], abs=0.01)
    assert 0.8 * 0.7 * 0.6 == pytest.approx(found["product"], abs=0.01)
    assert planted([0.8, 0.7, 0.6])["product"] == pytest.approx(planted([0.8, 0.7, 0.6])["chain"], abs=0.01)


def test_thresholds_count_answers_and_not_tokens():
    """Three in four tokens right: a binomial share has two of four; one wrong token of 1/36 takes 0.75 down to 0.33."""
    found = planted([0.75] * 4)

    assert [1 - 0.25**4, 1 - 13 * 0.25**4] == pytest.approx(found["at_least"][:2], abs=0.01)
    assert found["exact_match"] == found["at_least"][-1]
    assert [found["at_least"][2], found["exact_match"]] == pytest.approx(found["surer_than"][:2], abs=0.01)


def test_the_numeric_error_knows_which_digit_weighs_more():
    """One unit and nine hundred units of 999; and what is no number is as wrong as can be."""
    right, given = np.array([[0, 0, 0]] * 3), np.array([[0, 0, 1], [9, 0, 0], [10, 0, 0]])

    assert (1 / 999 + 900 / 999 + 1) / 3 == pytest.approx(numeric_error(given, right, 10))


def test_a_certain_and_right_model_has_every_perfect_score():
    right = np.array([[1, 2, 3], [4, 5, 6]])
    found = answer_scores(right, right, np.where(np.arange(10) == right[..., None], 0.0, -100.0))

    ones, zeros = ("exact_match", "token_accuracy", "answer_probability", "power_law", "product", "chain"), ("brier",)
    zeros += ("edit_distance", "hamming", "cross_entropy", "log_likelihood")
    assert [1.0] * 6 == pytest.approx([found[name] for name in ones])
    assert [0.0] * 5 == pytest.approx([found[name] for name in zeros])
    assert [1, 1, 1] == found["at_least"] == found["surer_than"]


def test_a_shifted_answer_is_two_edits_away_and_wrong_at_every_place():
    """One deletion and one insertion: what Hamming counts as four errors."""
    given, right = np.array([[1, 2, 3, 4], [1, 2, 3, 4]]), np.array([[2, 3, 4, 5], [1, 2, 3, 4]])

    assert [2, 0] == list(edit_distance(given, right))


def test_the_items_that_a_zero_needs():
    """The reference values: 2,995 problems show a rate of one in a thousand at 95 %."""
    assert 2_995 == items_needed(0.001)
    assert 1_663 == items_needed(0.0018)
