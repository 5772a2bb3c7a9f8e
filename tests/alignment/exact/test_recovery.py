"""Reward models on comparisons: what they recover, and what one number an answer cannot say."""

import numpy as np
import pytest

from repro.alignment.exact.comparisons import reward_model
from repro.alignment.exact.recovery import (
    Recovery,
    best_reward,
    cycle,
    draw_rankings,
    fit_rankings,
    flip,
    groups_misfit,
    misfit,
    ordered_share,
    ranked_wins,
    reward_recovery,
    unflip,
    wins_of,
)
from repro.alignment.exact.tabular import preference

REWARD = np.array([1.0, 0.0, -0.5, 2.0])


def test_a_ranking_of_two_is_a_bradley_terry_comparison():
    wins = ranked_wins(REWARD, 2, 200_000, np.random.default_rng(0))

    assert 200_000 == wins.sum()
    share = wins / (wins + wins.T + np.eye(4))
    np.testing.assert_allclose((preference(REWARD) - np.eye(4) / 2), share, atol=0.01)


def test_a_ranking_of_four_gives_six_pairs():
    assert 6 * 50 == ranked_wins(REWARD, 4, 50, np.random.default_rng(0)).sum()


def test_whole_rankings_give_back_the_reward_and_of_two_answers_they_are_pairs():
    rng = np.random.default_rng(0)
    many, pairs = draw_rankings(REWARD, 4, 40_000, rng), draw_rankings(REWARD, 2, 2_000, rng)

    np.testing.assert_allclose(REWARD - REWARD.mean(), fit_rankings(many, 4), atol=0.04)
    by_pairs = reward_model(wins_of(pairs, 4), np.eye(4))
    np.testing.assert_allclose(by_pairs - by_pairs.mean(), fit_rankings(pairs, 4), atol=1e-6)
    with pytest.raises(ValueError, match="come first in every task"):
        fit_rankings(np.array([[0, 1, 2, 3]] * 5), 4)


def test_a_known_share_of_flips_is_undone_on_average():
    wins = ranked_wins(REWARD, 2, 100_000, np.random.default_rng(0))
    flipped = flip(wins, 0.2, np.random.default_rng(1))

    np.testing.assert_allclose(wins, unflip(flipped, 0.2), rtol=0.1)
    assert np.abs(wins - flipped).max() > 0.1 * wins.max()
    with pytest.raises(ValueError, match="a flip turns a pair round"):
        reward_recovery(Recovery(tasks=400, ranked=4, flipped=0.1, fitted="Plackett-Luce"), 0)


def test_flipping_keeps_the_number_of_comparisons_of_a_pair():
    wins = ranked_wins(REWARD, 2, 1000, np.random.default_rng(0))
    flipped = flip(wins, 0.3, np.random.default_rng(1))

    np.testing.assert_array_equal(wins + wins.T, flipped + flipped.T)
    np.testing.assert_array_equal(wins.T, flip(wins, 1.0, np.random.default_rng(1)))


def test_a_reward_fits_its_own_preferences_and_no_cycle():
    """A cycle of strength p leaves ln 2 - H(p) nats a comparison, whatever the reward."""
    p = 0.9
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)

    assert 0 == pytest.approx(misfit(preference(REWARD), best_reward(preference(REWARD))), abs=1e-12)
    np.testing.assert_allclose(np.zeros(3), best_reward(cycle(p)), atol=1e-9)
    assert np.log(2) - entropy == pytest.approx(misfit(cycle(p), best_reward(cycle(p))))


def test_groups_that_agree_are_fitted_and_groups_that_differ_are_not():
    assert 0 == pytest.approx(groups_misfit(np.array([REWARD, REWARD])), abs=1e-12)
    assert groups_misfit(np.array([REWARD, -REWARD])) > 0.05


def test_recovery_tells_more_tasks_from_fewer_and_true_labels_from_flipped_ones():
    few, many = (np.mean(reward_recovery(Recovery(tasks=tasks), 0)["error"]) for tasks in (400, 6400))
    flipped = reward_recovery(Recovery(tasks=6400, flipped=0.2), 0)

    assert 4 == pytest.approx(few / many, rel=0.35)  # the square root of 16
    assert np.mean(flipped["slope"]) < 0.7
    assert 1.0 == ordered_share(REWARD, 3 * REWARD) and 0.0 == ordered_share(REWARD, -REWARD)
