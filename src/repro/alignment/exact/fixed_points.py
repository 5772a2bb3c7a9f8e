"""Tabular policies: where each method ends, and what is left of DPO's equivalence when a premise is broken.

Legend: W worlds, A answers, K features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from repro.alignment.exact.coefficients import COEFFICIENTS, ascend, centred, clipped_ascent, penalised
from repro.alignment.exact.comparisons import descend_scores, direct_policy, fit_scores, reward_model
from repro.alignment.exact.tabular import (
    Worlds,
    draw_worlds,
    forward_optimum,
    lost_share,
    optimum,
    pair_wins,
    preference,
    sampled_wins,
    total_variation,
    value,
)
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement

ASCENT_STEPS = 40_000
FEATURES, UNSEEN = 3, 3
CELLS = ("none", "finite pairs", "unseen answers", "three features", "narrow policy", "labels without noise")


@dataclass(frozen=True, kw_only=True)
class FixedPoint:
    """A method at one beta: a name of COEFFICIENTS, "PPO", or "DPO", "IPO", "SimPO" on all pairs of two draws.

    pairs_from: "reference" or "uniform", where the answers of pairs are drawn; for the methods on pairs alone.
    """

    method: str
    beta: float
    answers: int = 12
    worlds: int = 20
    pairs_from: str = "reference"


@measurement(version=1)
def fixed_point(config: FixedPoint, seed: int) -> Numbers:
    """Where a method ends in each world: total variation from pi* and from the forward-KL optimum, and what is lost.

    `lost` is a share of the attainable gain, `reward_error` the greatest error of beta log(pi / pi_ref) as a reward up
    to a constant, `moved` the last change of a probability (0 for a convex fit to pairs).
    """
    worlds = draw_worlds(config.worlds, config.answers, seed)
    policy_WA, moved = _end(config, worlds, seed)
    error_WA = config.beta * (policy_WA - worlds.reference_WA) - worlds.reward_WA
    return {
        "to_optimum": _rounded(total_variation(policy_WA, optimum(worlds.reward_WA, worlds.reference_WA, config.beta))),
        "to_forward": _rounded(total_variation(policy_WA, forward_optimum(worlds, config.beta))),
        "lost": _rounded(lost_share(policy_WA, worlds, config.beta)),
        "reward_error": _rounded(np.abs(error_WA - error_WA.mean(axis=1, keepdims=True)).max(axis=1)),
        "moved": moved,
    }


def _end(config: FixedPoint, worlds: Worlds, seed: int) -> tuple[Array, float]:
    if config.method in ("DPO", "IPO", "SimPO"):
        return np.array(
            [_on_pairs(config, *row) for row in zip(worlds.reward_WA, worlds.reference_WA, strict=True)]
        ), 0.0
    start_WA = np.random.default_rng([seed, 1]).standard_normal(worlds.reward_WA.shape)  # not the reference
    if config.method == "PPO":
        return clipped_ascent(start_WA, worlds, config.beta, ASCENT_STEPS)
    if config.method not in COEFFICIENTS:
        raise ValueError(f"got method={config.method!r}; expected PPO, DPO, IPO, SimPO or one of {[*COEFFICIENTS]}")
    return ascend(COEFFICIENTS[config.method], start_WA, worlds, config.beta, ASCENT_STEPS)


def _on_pairs(config: FixedPoint, reward_A: Array, reference_A: Array) -> Array:
    drawn_A = np.exp(reference_A) if config.pairs_from == "reference" else _uniform(config.answers)
    anchor_A = np.zeros(config.answers) if config.method == "SimPO" else reference_A  # gamma 0, equal lengths
    loss = "squared" if config.method == "IPO" else "logistic"
    return direct_policy(pair_wins(preference(reward_A), drawn_A), anchor_A, config.beta, loss)


@dataclass(frozen=True, kw_only=True)
class Premise:
    """DPO and RLHF on the same comparisons with one premise broken: one of CELLS.

    pairs: comparisons, for the cell of finite pairs. steps: of gradient descent, for labels without noise, where no
    loss has a minimum.
    """

    broken: str
    beta: float
    answers: int = 12
    worlds: int = 20
    pairs: int = 5000
    steps: int = 500


@measurement(version=1)
def broken_premise(config: Premise, seed: int) -> Numbers:
    """Total variation in each world between DPO's policy and RLHF's, and of each from pi*; shares of the gain lost.

    RLHF is a reward model fitted to the comparisons, then the exact optimum for that reward model.
    """
    if config.broken not in CELLS:
        raise ValueError(f"got broken={config.broken!r}; expected one of {CELLS}")
    worlds = draw_worlds(config.worlds, config.answers, seed)
    rng = np.random.default_rng([seed, 2])
    rows = zip(worlds.reward_WA, worlds.reference_WA, strict=True)
    policies = np.array([_pipelines(config, reward_A, reference_A, rng) for reward_A, reference_A in rows])
    direct_WA, rlhf_WA = policies[:, 0], policies[:, 1]
    star_WA = optimum(worlds.reward_WA, worlds.reference_WA, config.beta)
    return {
        "between": _rounded(total_variation(direct_WA, rlhf_WA)),
        "direct_to_optimum": _rounded(total_variation(direct_WA, star_WA)),
        "rlhf_to_optimum": _rounded(total_variation(rlhf_WA, star_WA)),
        "direct_lost": _rounded(lost_share(direct_WA, worlds, config.beta)),
        "rlhf_lost": _rounded(lost_share(rlhf_WA, worlds, config.beta)),
    }


def _pipelines(config: Premise, reward_A: Array, reference_A: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """(A,) log-probabilities of DPO and of RLHF on one world's comparisons."""
    A, beta, cell = config.answers, config.beta, config.broken
    drawn_A, prefers_AA = _uniform(A), preference(reward_A)
    if cell == "unseen answers":
        drawn_A = np.where(np.arange(A) < UNSEEN, 0.0, 1 / (A - UNSEEN))
    if cell == "labels without noise":
        prefers_AA = np.where(prefers_AA > 0.5, 1.0, 0.0)
    wins_AA = pair_wins(prefers_AA, drawn_A)
    if cell == "finite pairs":
        wins_AA = sampled_wins(wins_AA, config.pairs, rng)
    design_AK = rng.standard_normal((A, FEATURES))
    if cell == "narrow policy":
        return _narrow(wins_AA, reward_A, reference_A, design_AK, beta)
    if cell == "labels without noise":
        direct_A = descend_scores(wins_AA, beta * np.eye(A), -beta * reference_A, reference_A, steps=config.steps)
        model_A = descend_scores(wins_AA, np.eye(A), np.zeros(A), np.zeros(A), steps=config.steps)
    else:
        direct_A = direct_policy(wins_AA, reference_A, beta)
        design_AK = design_AK if cell == "three features" else np.eye(A)
        # a reward model says something of answers it never saw, and no comparison corrects it
        unseen_K = np.where(drawn_A == 0, rng.standard_normal(A), 0.0) if cell == "unseen answers" else None
        model_A = reward_model(wins_AA, design_AK, unseen_K)
    return scipy.special.log_softmax(direct_A), optimum(model_A[None], reference_A[None], beta)[0]


def _narrow(wins_AA: Array, reward_A: Array, reference_A: Array, design_AK: Array, beta: float) -> tuple[Array, Array]:
    """Both methods over policies whose logits are the reference's plus features times weights."""
    from scipy.optimize import minimize

    world = Worlds(reward_A[None], reference_A[None])
    direct_K = fit_scores(wins_AA, beta * design_AK, np.zeros(len(reward_A)), np.zeros(FEATURES))

    def policy(weights_K: Array) -> Array:
        return np.asarray(scipy.special.log_softmax(reference_A + design_AK @ weights_K))

    def loss(weights_K: Array) -> tuple[float, Array]:
        policy_A = policy(weights_K)
        slope_A = np.exp(policy_A) * centred(penalised(policy_A[None], world, beta), policy_A[None])[0]
        return -float(value(policy_A[None], world, beta)[0]), -design_AK.T @ slope_A

    fitted = minimize(loss, np.zeros(FEATURES), jac=True, method="BFGS", options={"gtol": 1e-10})
    return policy(direct_K), policy(fitted.x)


@dataclass(frozen=True, kw_only=True)
class Economy:
    """RLHF with a reward model of three features against tabular DPO, on the same finite number of pairs.

    truth: "three features" where the rewards are made of them, so that the reward model can be right, or "free".
    """

    truth: str
    pairs: int
    beta: float = 0.5
    answers: int = 12
    worlds: int = 20


@measurement(version=1)
def pairs_economy(config: Economy, seed: int) -> Numbers:
    """The share of the attainable gain that each method loses in each world."""
    if config.truth not in ("three features", "free"):
        raise ValueError(f"got truth={config.truth!r}; expected 'three features' or 'free'")
    worlds, rng = draw_worlds(config.worlds, config.answers, seed), np.random.default_rng([seed, 3])
    designs = rng.standard_normal((config.worlds, config.answers, FEATURES))
    if config.truth == "three features":
        reward_WA = np.einsum("wak,wk->wa", designs, rng.standard_normal((config.worlds, FEATURES)) / np.sqrt(FEATURES))
        worlds = Worlds(reward_WA, worlds.reference_WA)
    direct, rlhf = [], []
    for reward_A, reference_A, design_AK in zip(worlds.reward_WA, worlds.reference_WA, designs, strict=True):
        wins_AA = sampled_wins(pair_wins(preference(reward_A), _uniform(config.answers)), config.pairs, rng)
        direct.append(direct_policy(wins_AA, reference_A, config.beta))
        rlhf.append(optimum(reward_model(wins_AA, design_AK)[None], reference_A[None], config.beta)[0])
    return {
        "direct_lost": _rounded(lost_share(np.array(direct), worlds, config.beta)),
        "rlhf_lost": _rounded(lost_share(np.array(rlhf), worlds, config.beta)),
    }


def _uniform(answers: int) -> Array:
    return np.full(answers, 1 / answers)


def _rounded(values_W: Array) -> list[float]:
    return [float(f"{number:.8g}") for number in values_W]
