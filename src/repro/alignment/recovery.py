"""What a reward model learns from comparisons, rankings, flipped labels and people who disagree, on tabular answers.

Legend: W worlds, A answers, G groups of people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_expit, xlogy

from repro.alignment.comparisons import reward_model
from repro.alignment.tabular import Array, draw_worlds, pair_wins, preference
from repro.floor.measurement import Diverged, Numbers, measurement


@dataclass(frozen=True)
class Recovery:
    """Answers compared a finite number of times, and a reward for each answer fitted to that.

    tasks: each shows a few answers to one person. ranked: how many, 2 being a plain comparison. flipped: share of
    pairs whose label is turned round.
    """

    tasks: int
    ranked: int = 2
    flipped: float = 0.0
    answers: int = 12
    worlds: int = 20


@measurement(version=1)
def reward_recovery(config: Recovery, seed: int) -> Numbers:
    """In each world: the fitted reward's root mean square error, its slope on the truth, and the share ordered rightly.

    Rewards are compared up to a constant; the share is of all pairs of answers.

    Raises:
        Diverged: in some world an answer won or lost every comparison, so that no reward is large enough.
    """
    rng = np.random.default_rng([seed, 4])
    found: dict[str, list[float]] = {"error": [], "slope": [], "ordered": []}
    for reward_A in draw_worlds(config.worlds, config.answers, seed).reward_WA:
        wins_AA = flip(ranked_wins(reward_A, config.ranked, config.tasks, rng), config.flipped, rng)
        try:
            fitted_A = reward_model(wins_AA, np.eye(config.answers))
        except ValueError as error:
            raise Diverged(str(error)) from None
        fitted_A, true_A = fitted_A - fitted_A.mean(), reward_A - reward_A.mean()
        found["error"].append(float(np.sqrt(np.mean((fitted_A - true_A) ** 2))))
        found["slope"].append(float(fitted_A @ true_A / (true_A @ true_A)))
        found["ordered"].append(ordered_share(fitted_A, true_A))
    return dict(found)


def ranked_wins(reward_A: Array, ranked: int, tasks: int, rng: np.random.Generator) -> Array:
    """(A, A) how often each answer was put before each other one, in rankings of a few answers drawn at random.

    A ranking sorts rewards plus Gumbel noise, which is Plackett-Luce, and Bradley-Terry for two answers.
    """
    shown_TK = np.argsort(rng.random((tasks, len(reward_A))), axis=1)[:, :ranked]
    heard_TK = reward_A[shown_TK] + rng.gumbel(size=shown_TK.shape)
    order_TK = np.take_along_axis(shown_TK, np.argsort(-heard_TK, axis=1), axis=1)
    wins_AA = np.zeros((len(reward_A), len(reward_A)))
    for first in range(ranked):
        for second in range(first + 1, ranked):
            np.add.at(wins_AA, (order_TK[:, first], order_TK[:, second]), 1.0)
    return wins_AA


def flip(wins_AA: Array, share: float, rng: np.random.Generator) -> Array:
    """(A, A) the same comparisons with each label turned round with this probability."""
    turned_AA = rng.binomial(wins_AA.astype(int), share).astype(float)
    return np.asarray(wins_AA - turned_AA + turned_AA.T)


def ordered_share(fitted_A: Array, true_A: Array) -> float:
    """Share of pairs of answers that two rewards order alike."""
    first, second = np.triu_indices(len(true_A), k=1)
    return float(np.mean((fitted_A[first] > fitted_A[second]) == (true_A[first] > true_A[second])))


def cycle(strength: float) -> Array:
    """(3, 3) preferences that go round: each answer beats the next with probability `strength`."""
    return np.array([[0.5, strength, 1 - strength], [1 - strength, 0.5, strength], [strength, 1 - strength, 0.5]])


def misfit(prefers_AA: Array, reward_A: Array) -> float:
    """Mean over pairs of different answers of KL(preferences || what the reward predicts), in nats a comparison."""
    apart = ~np.eye(len(reward_A), dtype=bool)
    gained = xlogy(prefers_AA, prefers_AA) - prefers_AA * log_expit(reward_A[:, None] - reward_A[None, :])
    return 2 * float(gained[apart].mean())


def best_reward(prefers_AA: Array) -> Array:
    """(A,) the reward of greatest likelihood, every pair of answers compared without limit."""
    answers = len(prefers_AA)
    return reward_model(pair_wins(prefers_AA, np.full(answers, 1 / answers)), np.eye(answers))


def groups_misfit(rewards_GA: Array) -> float:
    """Mean over equally large groups, each with its own reward, of the misfit of the one reward fitted to all."""
    prefers = [preference(reward_A) for reward_A in rewards_GA]
    pooled_A = best_reward(np.mean(prefers, axis=0))
    return float(np.mean([misfit(one, pooled_A) for one in prefers]))
