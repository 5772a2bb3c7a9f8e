"""Where policy-gradient methods end, each by its coefficient: the factor of grad log pi of a sampled answer.

A method whose expected gradient is the sum over answers of pi C grad log pi comes to rest where C is constant on the
answers; that is the whole difference between the ways to subtract a KL term. All here are exact expectations.

Legend: W worlds, A answers; policies are log-probabilities.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from repro.alignment.exact.tabular import Worlds
from repro.floor.arrays import Array

Coefficient = Callable[[Array, Worlds, float], Array]
CLIP, EPOCHS = 0.2, 4  # Schulman et al. 2017 (arXiv:1707.06347): the clip, and epochs over one batch
STD_FLOOR = 1e-4  # what trl adds to a group's standard deviation
RATE = 0.02  # of an ascent, in units of 1 / beta
STILL = 1e-15  # change of a probability below which an ascent has come to rest


def penalised(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """The reward with the KL term inside: r - beta log(pi / pi_ref), Ziegler et al. 2019 (arXiv:1909.08593), eq. 2."""
    return worlds.reward_WA - beta * (policy_WA - worlds.reference_WA)


def leave_one_out(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """RLOO with two answers a prompt: the penalised reward minus that of the other answer, averaged over the other."""
    reward_WA = penalised(policy_WA, worlds, beta)
    return np.asarray((np.exp(policy_WA)[:, None, :] * (reward_WA[:, :, None] - reward_WA[:, None, :])).sum(axis=2))


def k1_in_loss(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """log(pi / pi_ref) differentiated as a loss: its gradient is grad log pi, whatever the reference is."""
    return worlds.reward_WA - beta


def k2_in_loss(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """Half the square of log(pi / pi_ref) differentiated as a loss: what the term inside the reward comes to."""
    return penalised(policy_WA, worlds, beta)


def k3_in_loss(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """pi_ref / pi - 1 - log(pi_ref / pi) differentiated as a loss, Shao et al. 2024 (arXiv:2402.03300)."""
    return np.asarray(worlds.reward_WA - beta * (1 - np.exp(worlds.reference_WA - policy_WA)))


def k3_times_ratio(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """The same times pi / pi_old, which is 1 but has a gradient: the default of trl 1.16's GRPO."""
    log_ratio = worlds.reference_WA - policy_WA
    k3, slope = np.exp(log_ratio) - 1 - log_ratio, 1 - np.exp(log_ratio)
    return np.asarray(worlds.reward_WA - beta * (k3 + slope))


def scaled_by_spread(policy_WA: Array, worlds: Worlds, beta: float) -> Array:
    """Rewards divided by their standard deviation under the policy, as GRPO does, then an exact KL term."""
    apart_WA = centred(worlds.reward_WA, policy_WA)
    spread = np.sqrt((np.exp(policy_WA) * apart_WA**2).sum(axis=1, keepdims=True))
    return np.asarray(apart_WA / (spread + STD_FLOOR) - beta * (policy_WA - worlds.reference_WA))


COEFFICIENTS: dict[str, Coefficient] = {
    "policy gradient": penalised,
    "RLOO": leave_one_out,
    "k2 in the loss": k2_in_loss,
    "k3 times ratio in the loss": k3_times_ratio,
    "k3 in the loss": k3_in_loss,
    "k1 in the loss": k1_in_loss,
    "rewards scaled by their spread": scaled_by_spread,
}


def ascend(coefficient: Coefficient, start_WA: Array, worlds: Worlds, beta: float, steps: int) -> tuple[Array, float]:
    """Where natural-gradient ascent leads from logits (W, A), and the last step's greatest change of a probability."""
    return _climb(lambda policy_WA: RATE / beta * coefficient(policy_WA, worlds, beta), start_WA, steps)


def clipped_ascent(start_WA: Array, worlds: Worlds, beta: float, steps: int) -> tuple[Array, float]:
    """Where PPO leads, the KL term in its reward: EPOCHS steps on the clipped ratio before rewards are taken anew."""

    def epochs(old_WA: Array) -> Array:
        advantage_WA = centred(penalised(old_WA, worlds, beta), old_WA)
        policy_WA = old_WA
        for _ in range(EPOCHS):
            ratio = np.exp(policy_WA - old_WA)
            within_WA = np.where(advantage_WA > 0, ratio < 1 + CLIP, ratio > 1 - CLIP)
            policy_WA = scipy.special.log_softmax(
                policy_WA + RATE / beta * centred(within_WA * advantage_WA, policy_WA), axis=1
            )
        return policy_WA - old_WA

    return _climb(epochs, start_WA, steps)


def _climb(change: Callable[[Array], Array], start_WA: Array, steps: int) -> tuple[Array, float]:
    policy_WA, moved = scipy.special.log_softmax(start_WA, axis=1), np.inf
    for _ in range(steps):
        step_WA = centred(change(policy_WA), policy_WA)
        moved = float(np.abs(np.exp(policy_WA) * step_WA).max())
        policy_WA = np.asarray(scipy.special.log_softmax(policy_WA + step_WA, axis=1))
        if moved < STILL:
            break
    return policy_WA, moved


def centred(values_WA: Array, policy_WA: Array) -> Array:
    """(W, A) values minus their mean under the policy."""
    return np.asarray(values_WA - (np.exp(policy_WA) * values_WA).sum(axis=1, keepdims=True))
