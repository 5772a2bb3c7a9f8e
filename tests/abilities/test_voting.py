"""Votes over sampled answers, where it is planted how often one is right."""

import numpy as np
import pytest

from repro.abilities.configurations import Voting, learning, with_mistakes
from repro.abilities.measurements import vote
from repro.abilities.scores import votes


def planted(chances: list[float], *, one_error: bool, count: int = 2_000) -> dict[str, float]:
    """Problems whose samples are right with these chances, in turn; errors all alike, or spread over nine replies."""
    generator = np.random.default_rng(0)
    right = generator.integers(10, size=count)
    chance = np.resize(chances, count)[:, None]
    wrong = 1 if one_error else generator.integers(1, 10, size=(count, 15))
    replies = np.where(generator.random((count, 15)) < chance, right[:, None], (right[:, None] + wrong) % 10)
    return dict(votes(replies, right))  # type: ignore[arg-type]


def test_spread_errors_are_outvoted_and_shared_ones_win():
    """A majority helps where errors differ from one another, and hurts where they are the same."""
    spread, shared = planted([0.4], one_error=False), planted([0.4], one_error=True)

    assert spread["majority"] > 0.9 > 0.4 == pytest.approx(spread["single"], abs=0.01)
    assert shared["majority"] < 0.25 < 0.4 == pytest.approx(shared["single"], abs=0.01)


def test_agreement_tells_where_problems_differ_and_not_where_they_are_alike():
    differing, alike = planted([0.9, 0.2], one_error=False), planted([1.0], one_error=False)

    assert differing["agreed"] > differing["disputed"] + 0.2
    assert alike["agreed"] == alike["disputed"] == 1


def test_a_vote_loses_where_most_lines_of_training_err_alike():
    """What the control of the page measures: three samples in five hold one and the same mistake."""
    mistaken = planted([0.4], one_error=True)

    assert mistaken["majority"] < mistaken["single"] - 0.1
    arm = learning("sum in steps", 4, 10, width=8, layers=1, steps=2, lines=8, rate=0.1)
    erring = with_mistakes(arm, 0.6)
    assert 0.6 == erring.problems.mistaken and (erring.problems.unseen(50) == arm.problems.unseen(50)).all()


def test_a_tie_is_right_in_part():
    assert 0.25 == votes(np.array([[1, 2, 1, 2], [3, 3, 3, 1]]), np.array([2, 1]))["majority"]


def test_a_model_that_knows_nothing_gains_nothing_by_a_vote():
    config = learning("sum in steps", 4, 10, width=8, layers=1, steps=2, lines=8, rate=0.1)
    found = vote(Voting(learning=config, samples=5), 0)

    assert 0.1 == pytest.approx(found["single"], abs=0.05) == pytest.approx(found["majority"], abs=0.05)


def test_votes_on_replies_of_several_tokens_are_refused():
    config = learning("copy", 3, 10, width=8, layers=1, steps=2, lines=8, rate=0.1)

    with pytest.raises(ValueError, match="a reply of 3 tokens; votes are counted on one"):
        Voting(learning=config)
