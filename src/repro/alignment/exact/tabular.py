"""Tabular policies: one prompt and a list of answers, so that every expectation is a sum over all answers.

Legend: W worlds, A answers; a policy is a row of log-probabilities; rewards and values in units of reward, KL in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from repro.floor.arrays import Array


def lost_share(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """(W,) share that a policy leaves of what the objective can gain over the reference: 0 for pi*, 1 for pi_ref."""
    best_W, start_W = greatest_value(worlds, beta), value(worlds.reference_WA, worlds, beta)
    return (best_W - value(policy_WA, worlds, beta)) / (best_W - start_W)


@dataclass(frozen=True)
class Worlds:
    """What is rewarded and where training starts, (W, A) each: rewards and the reference policy's log-probabilities."""

    reward_WA: Array
    reference_WA: Array


def draw_worlds(count: int, answers: int, seed: int) -> Worlds:
    """Standard normal rewards, and references that are the softmax of standard normal logits."""
    reward_WA, logits_WA = np.random.default_rng(seed).standard_normal((2, count, answers))
    return Worlds(reward_WA, scipy.special.log_softmax(logits_WA, axis=1))


def optimum(reward_WA: Array, reference_WA: Array, beta: float) -> Array:
    """(W, A) the policy of greatest expected reward minus beta KL: log of pi_ref exp(r / beta) / Z.

    Source: Korbak et al. 2022 (arXiv:2205.11275); Rafailov et al. 2023 (arXiv:2305.18290), eq. 4.
    """
    return np.asarray(scipy.special.log_softmax(reference_WA + reward_WA / beta, axis=1))


def optimum_at(kl: float, world: Worlds) -> Array:
    """(1, A) the policy of greatest expected reward among those whose KL from the reference is `kl` nats, one world.

    Beyond the KL of always giving the best answer nothing more can be had, and that policy is given.
    """
    low, high = 1e-4, 1e4  # KL falls as beta grows; bisection on the logarithm
    for _ in range(100):
        middle = np.sqrt(low * high)
        best_1A = optimum(world.reward_WA, world.reference_WA, middle)
        low, high = (middle, high) if divergence(best_1A, world.reference_WA)[0] > kl else (low, middle)
    return best_1A


def greatest_value(worlds: Worlds, beta: float) -> Array:
    """(W,) the objective at its optimum, beta log Z."""
    return np.asarray(beta * scipy.special.logsumexp(worlds.reference_WA + worlds.reward_WA / beta, axis=1))


def value(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """(W,) expected reward minus beta times KL(policy || reference)."""
    chance_WA = np.exp(policy_WA)
    return np.asarray((chance_WA * worlds.reward_WA).sum(axis=1) - beta * divergence(policy_WA, worlds.reference_WA))


def divergence(policy_WA: Array, other_WA: Array) -> Array:
    """(W,) KL(policy || other) in nats."""
    return np.asarray((np.exp(policy_WA) * (policy_WA - other_WA)).sum(axis=1))


def total_variation(policy_WA: Array, other_WA: Array) -> Array:
    """(W,) half the summed absolute difference of probabilities: 0 for equal policies, 1 for disjoint ones."""
    return np.asarray(0.5 * np.abs(np.exp(policy_WA) - np.exp(other_WA)).sum(axis=1))


def forward_optimum(worlds: Worlds, beta: float) -> Array:
    """(W, A) the policy of greatest expected reward minus beta KL(reference || policy): log of beta pi_ref / (c - r).

    The constant c, above the greatest reward, makes the row sum to one; it is found by bisection.
    """
    low = worlds.reward_WA.max(axis=1, keepdims=True)
    high = low + beta  # there every term is at most pi_ref, so the row sums to one at most
    for _ in range(200):
        middle = (low + high) / 2
        with np.errstate(divide="ignore"):
            above = (beta * np.exp(worlds.reference_WA) / (middle - worlds.reward_WA)).sum(axis=1, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(scipy.special.log_softmax(worlds.reference_WA - np.log(high - worlds.reward_WA), axis=1))


def preference(reward_A: Array) -> Array:
    """(A, A) probability that the row's answer is preferred to the column's: sigma(r - r').

    Source: Bradley & Terry 1952, Rank analysis of incomplete block designs.
    """
    return np.asarray(scipy.special.expit(reward_A[:, None] - reward_A[None, :]))


def pair_wins(prefers_AA: Array, drawn_A: Array) -> Array:
    """(A, A) share of all comparisons in which the row's answer wins, both answers drawn from `drawn_A`."""
    return prefers_AA * np.outer(drawn_A, drawn_A)


def sampled_wins(wins_AA: Array, pairs: int, rng: np.random.Generator) -> Array:
    """(A, A) how often each answer won against each other one in a finite number of comparisons."""
    apart = wins_AA * (1 - np.eye(len(wins_AA)))  # an answer compared with itself says nothing
    return rng.multinomial(pairs, (apart / apart.sum()).ravel()).reshape(wins_AA.shape).astype(float)
