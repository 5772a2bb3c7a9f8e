"""What a reward model learns from comparisons, rankings, flipped labels and people who disagree, on tabular answers.

Legend: W worlds, A answers, G groups of people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from repro.alignment.exact.comparisons import ITERATIONS, reward_model
from repro.alignment.exact.tabular import draw_worlds, pair_wins, preference
from repro.floor.arrays import Array
from repro.floor.identity import added
from repro.floor.measurement import Diverged, Numbers, measurement

FITS = ("pairs", "Plackett-Luce", "noise known")


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Answers compared a finite number of times, and a reward for each answer fitted to that.

    tasks: each shows a few answers to one person. ranked: how many, 2 being a plain comparison. flipped: share of
    pairs whose label is turned round. fitted: one of FITS; by pairs a ranking is split into all of its pairs, by
    Plackett-Luce it is fitted whole, and with known noise each label is weighed against its reverse.
    """

    tasks: int
    ranked: int = 2
    flipped: float = 0.0
    answers: int = 12
    worlds: int = 20
    fitted: str = added("pairs")


@measurement(version=1)
def reward_recovery(config: Recovery, seed: int) -> Numbers:
    """In each world: the fitted reward's root mean square error, its slope on the truth, and the share ordered rightly.

    Rewards are compared up to a constant; the share is of all pairs of answers.

    Raises:
        Diverged: in some world an answer won or lost every comparison, so that no reward is large enough.
    """
    if config.fitted not in FITS or (config.fitted == "Plackett-Luce" and config.flipped):
        raise ValueError(
            f"got fitted={config.fitted!r} with flipped={config.flipped}; expected one of {FITS}, and "
            "whole rankings without flips: a flip turns a pair round"
        )
    rng = np.random.default_rng([seed, 4])
    readings: dict[str, list[float]] = {"error": [], "slope": [], "ordered": []}
    for reward_A in draw_worlds(config.worlds, config.answers, seed).reward_WA:
        try:
            fitted_A = _fitted(config, reward_A, rng)
        except ValueError as error:
            raise Diverged(str(error)) from None
        fitted_A, true_A = fitted_A - fitted_A.mean(), reward_A - reward_A.mean()
        readings["error"].append(float(np.sqrt(np.mean((fitted_A - true_A) ** 2))))
        readings["slope"].append(float(fitted_A @ true_A / (true_A @ true_A)))
        readings["ordered"].append(ordered_share(fitted_A, true_A))
    return dict(readings)


def _fitted(config: Recovery, reward_A: Array, rng: np.random.Generator) -> Array:
    order_TK = draw_rankings(reward_A, config.ranked, config.tasks, rng)
    if config.fitted == "Plackett-Luce":
        return fit_rankings(order_TK, config.answers)
    wins_AA = flip(wins_of(order_TK, config.answers), config.flipped, rng)
    if config.fitted == "noise known":
        wins_AA = unflip(wins_AA, config.flipped)
    return reward_model(wins_AA, np.eye(config.answers))


def draw_rankings(reward_A: Array, ranked: int, tasks: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(T, K) rankings, best first, of a few answers drawn at random for each task.

    A ranking sorts rewards plus Gumbel noise, which is Plackett-Luce, and Bradley-Terry for two answers.
    """
    shown_TK = np.argsort(rng.random((tasks, len(reward_A))), axis=1)[:, :ranked]
    heard_TK = reward_A[shown_TK] + rng.gumbel(size=shown_TK.shape)
    return np.take_along_axis(shown_TK, np.argsort(-heard_TK, axis=1), axis=1)


def fit_rankings(order_TK: NDArray[np.int64], answers: int) -> Array:
    """(A,) the rewards of greatest likelihood under Plackett-Luce, of mean 0: each place is won among those left.

    Raises:
        ValueError: no such rewards within reach, as where an answer always comes first.

    Source: Plackett 1975, The analysis of permutations; Ouyang et al. 2022 (arXiv:2203.02155) split into pairs instead.
    """
    reward_A = np.zeros(answers)
    for _ in range(ITERATIONS):
        slope_A, curvature_AA = np.zeros(answers), np.zeros((answers, answers))
        for place in range(order_TK.shape[1] - 1):
            left_TK = order_TK[:, place:]
            chance_TA = np.zeros((len(order_TK), answers))
            np.put_along_axis(chance_TA, left_TK, scipy.special.softmax(reward_A[left_TK], axis=1), axis=1)
            slope_A += np.bincount(left_TK[:, 0], minlength=answers) - chance_TA.sum(axis=0)
            curvature_AA += np.diag(chance_TA.sum(axis=0)) - chance_TA.T @ chance_TA
        step_A = np.linalg.pinv(curvature_AA, rcond=1e-12, hermitian=True) @ slope_A
        reward_A = reward_A + step_A * min(1.0, 1 / np.abs(step_A).max()) if step_A.any() else reward_A
        if np.abs(step_A).max() < 1e-9:
            return np.asarray(reward_A - reward_A.mean())
    raise ValueError(
        f"no greatest likelihood after {ITERATIONS} Newton steps; does an answer come first in every task?"
    )


def unflip(wins_AA: Array, share: float) -> Array:
    """(A, A) expected comparisons before a known share of labels was turned round; single ones may be negative.

    Fitting them is fitting each label minus its reverse in the proportion that makes the mean loss unbiased.

    Source: Chowdhury et al. 2024 (arXiv:2403.00409), as remembered: the unbiased loss of robust DPO.
    """
    return ((1 - share) * wins_AA - share * wins_AA.T) / (1 - 2 * share)


def ranked_wins(reward_A: Array, ranked: int, tasks: int, rng: np.random.Generator) -> Array:
    """(A, A) how often each answer was put before each other one, in rankings of a few answers."""
    return wins_of(draw_rankings(reward_A, ranked, tasks, rng), len(reward_A))


def wins_of(order_TK: NDArray[np.int64], answers: int) -> Array:
    """(A, A) the same of given rankings, each split into all of its pairs."""
    wins_AA, ranked = np.zeros((answers, answers)), order_TK.shape[1]
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
    """Mean over pairs of different answers of KL(preferences || what the reward predicts), in nats per comparison."""
    apart = ~np.eye(len(reward_A), dtype=bool)
    gained = scipy.special.xlogy(prefers_AA, prefers_AA) - prefers_AA * scipy.special.log_expit(
        reward_A[:, None] - reward_A[None, :]
    )
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
