"""Fits to pairwise comparisons, exactly: reward models, and the direct methods that fit a policy to the same pairs.

The score of an answer is offset + design @ weights. With the identity as design and no offset it is a reward model;
with beta times (log pi - log pi_ref) it is DPO, and that is the whole of DPO's reparametrisation.

Legend: A answers, K weights; wins_AA[i, j] is how often answer i was preferred to answer j.
"""

from __future__ import annotations

import numpy as np
import scipy

from repro.floor.arrays import Array

ITERATIONS = 100


def logistic(margin_AA: Array) -> tuple[Array, Array, Array]:
    """Loss -log sigma(margin) with its first and second derivative."""
    return (
        -scipy.special.log_expit(margin_AA),
        -scipy.special.expit(-margin_AA),
        scipy.special.expit(margin_AA) * scipy.special.expit(-margin_AA),
    )


def squared(margin_AA: Array) -> tuple[Array, Array, Array]:
    """Loss (margin - 1/2)^2 with its derivatives: IPO, with its margin in units of 1 / tau."""
    return (margin_AA - 0.5) ** 2, 2 * (margin_AA - 0.5), np.full_like(margin_AA, 2.0)


LOSSES = {"logistic": logistic, "squared": squared}


def fit_scores(wins_AA: Array, design_AK: Array, offset_A: Array, start_K: Array, loss: str = "logistic") -> Array:
    """(K,) the weights of least loss, by Newton's method; directions that no comparison sees stay where they start.

    Args:
        loss: "logistic" (maximum likelihood under Bradley-Terry) or "squared".

    Raises:
        ValueError: no least loss within reach, as where an answer always wins.
    """
    weights_K = start_K.astype(float)
    for _ in range(ITERATIONS):
        here, gradient_K, hessian_KK = _derivatives(wins_AA, design_AK, offset_A, weights_K, loss)
        step_K = np.linalg.pinv(hessian_KK, rcond=1e-12, hermitian=True) @ gradient_K
        while _derivatives(wins_AA, design_AK, offset_A, weights_K - step_K, loss)[0] > here + 1e-12 * abs(here):
            step_K = step_K / 2
        weights_K = weights_K - step_K
        if np.abs(step_K).max() < 1e-13 * (1 + np.abs(weights_K).max()):
            return weights_K
    if np.abs(step_K).max() < 1e-9 * (1 + np.abs(weights_K).max()):
        return weights_K
    raise ValueError(f"no least loss after {ITERATIONS} Newton steps; does an answer win every comparison?")


def descend_scores(wins_AA: Array, design_AK: Array, offset_A: Array, start_K: Array, *, steps: int) -> Array:
    """(K,) the weights after so many steps of plain gradient descent, for losses that have no minimum."""
    weights_K = start_K.astype(float)
    for _ in range(steps):
        weights_K = weights_K - _derivatives(wins_AA, design_AK, offset_A, weights_K, "logistic")[1]
    return weights_K


def direct_policy(
    wins_AA: Array, reference_A: Array, beta: float, loss: str = "logistic", *, start_A: Array | None = None
) -> Array:
    """(A,) log-probabilities of the tabular policy that DPO (or, `squared`, IPO) fits to comparisons.

    Args:
        start_A: logits at the start; the reference's if None.

    Source: Rafailov et al. 2023 (arXiv:2305.18290), eq. 7; Azar et al. 2023 (arXiv:2310.12036), eq. 17.
    """
    start_A = reference_A if start_A is None else start_A
    fitted = fit_scores(wins_AA, beta * np.eye(len(reference_A)), -beta * reference_A, start_A, loss)
    return np.asarray(scipy.special.log_softmax(fitted))


def reward_model(wins_AA: Array, design_AK: Array, start_K: Array | None = None) -> Array:
    """(A,) the rewards of greatest likelihood that weigh the features in `design_AK`, starting from weights of zero."""
    start_K = np.zeros(design_AK.shape[1]) if start_K is None else start_K
    return np.asarray(design_AK @ fit_scores(wins_AA, design_AK, np.zeros(len(design_AK)), start_K))


def _derivatives(
    wins_AA: Array, design_AK: Array, offset_A: Array, weights_K: Array, loss: str
) -> tuple[float, Array, Array]:
    score_A = offset_A + design_AK @ weights_K
    value_AA, first_AA, second_AA = LOSSES[loss](score_A[:, None] - score_A[None, :])
    first_AA, second_AA = wins_AA * first_AA, wins_AA * second_AA
    both_AA = second_AA + second_AA.T
    curvature_AA = np.diag(both_AA.sum(axis=1)) - both_AA
    slope_A = first_AA.sum(axis=1) - first_AA.sum(axis=0)
    return float((wins_AA * value_AA).sum()), design_AK.T @ slope_A, design_AK.T @ curvature_AA @ design_AK
