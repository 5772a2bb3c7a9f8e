"""Tabular policies: where methods end is known in closed form, and each method's gradient is autograd's."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from repro.alignment.exact.coefficients import COEFFICIENTS, ascend, clipped_ascent
from repro.alignment.exact.comparisons import direct_policy, fit_scores, reward_model
from repro.alignment.exact.fixed_points import CELLS, Premise, broken_premise
from repro.alignment.exact.tabular import (
    divergence,
    draw_worlds,
    forward_optimum,
    greatest_value,
    optimum,
    pair_wins,
    preference,
    sampled_wins,
    total_variation,
    value,
)

BETA = 0.7
WORLDS = draw_worlds(3, 5, seed=0)
START = np.random.default_rng(1).standard_normal((3, 5))
STAR = optimum(WORLDS.reward_WA, WORLDS.reference_WA, BETA)


def test_the_closed_form_attains_beta_log_z_and_no_policy_does_better():
    others = log_softmax(STAR + 0.3 * START, axis=1)

    np.testing.assert_allclose(greatest_value(WORLDS, BETA), value(STAR, WORLDS, BETA), rtol=1e-12)
    assert (value(others, WORLDS, BETA) < value(STAR, WORLDS, BETA)).all()


def test_what_a_policy_falls_short_is_beta_times_its_divergence_from_the_optimum():
    """J* - J(pi) = beta KL(pi || pi*), for any policy."""
    policy = log_softmax(START, axis=1)

    np.testing.assert_allclose(
        BETA * divergence(policy, STAR), greatest_value(WORLDS, BETA) - value(policy, WORLDS, BETA), rtol=1e-12
    )


def test_the_forward_optimum_is_a_policy_at_rest():
    """There beta pi_ref / pi + r is one constant."""
    held = WORLDS.reward_WA + BETA * np.exp(WORLDS.reference_WA - forward_optimum(WORLDS, BETA))

    np.testing.assert_allclose(held, held[:, :1] + np.zeros(5), rtol=1e-9)


def losses_as_written(name: str, log_pi: torch.Tensor, old: torch.Tensor, reward: torch.Tensor, ref: torch.Tensor):
    """(A,) the loss of each sampled answer as a program writes it, before the mean over samples from `old`."""
    log_ratio, to_ref = log_pi - old, ref - log_pi
    k3 = to_ref.exp() - 1 - to_ref
    spread = ((old.exp() * (reward - (old.exp() * reward).sum()) ** 2).sum()).sqrt()
    written = {
        "policy gradient": lambda: -log_ratio.exp() * (reward - BETA * (old - ref)),
        "k2 in the loss": lambda: -log_ratio.exp() * reward + BETA / 2 * to_ref**2,
        "k3 in the loss": lambda: -log_ratio.exp() * reward + BETA * k3,
        "k3 times ratio in the loss": lambda: -log_ratio.exp() * (reward - BETA * k3),
        "k1 in the loss": lambda: -log_ratio.exp() * reward - BETA * to_ref,
        "rewards scaled by their spread": lambda: -log_ratio.exp() * (reward / (spread + 1e-4) - BETA * (old - ref)),
    }
    return written[name]()


@pytest.mark.parametrize("name", [name for name in COEFFICIENTS if name != "RLOO"])
def test_a_coefficient_is_what_autograd_makes_of_the_loss(name: str):
    policy = log_softmax(START, axis=1)
    coefficient = COEFFICIENTS[name](policy, WORLDS, BETA)
    expected = np.exp(policy) * (coefficient - (np.exp(policy) * coefficient).sum(axis=1, keepdims=True))

    for row in range(3):
        logits = torch.tensor(START[row], requires_grad=True)
        log_pi = torch.log_softmax(logits, 0)
        old = log_pi.detach()
        reward, ref = torch.tensor(WORLDS.reward_WA[row]), torch.tensor(WORLDS.reference_WA[row])
        (old.exp() * losses_as_written(name, log_pi, old, reward, ref)).sum().backward()
        np.testing.assert_allclose(expected[row], -logits.grad.numpy(), atol=1e-12)


def test_leaving_one_out_changes_no_expected_gradient():
    policy = log_softmax(START, axis=1)
    centred = [
        c - (np.exp(policy) * c).sum(axis=1, keepdims=True)
        for c in (COEFFICIENTS[name](policy, WORLDS, BETA) for name in ("RLOO", "policy gradient"))
    ]

    np.testing.assert_allclose(centred[0], centred[1], atol=1e-12)


def test_ascents_with_the_penalty_in_the_reward_end_at_the_optimum_and_a_loss_of_k3_elsewhere():
    ends = {name: ascend(COEFFICIENTS[name], START, WORLDS, BETA, 5000)[0] for name in ("RLOO", "k3 in the loss")}
    ends["PPO"] = clipped_ascent(START, WORLDS, BETA, 5000)[0]

    assert total_variation(ends["RLOO"], STAR).max() < 1e-9
    assert total_variation(ends["PPO"], STAR).max() < 1e-9
    assert total_variation(ends["k3 in the loss"], forward_optimum(WORLDS, BETA)).max() < 1e-9
    assert total_variation(ends["k3 in the loss"], STAR).max() > 0.05


@pytest.mark.parametrize("drawn", ["reference", "uniform"])
def test_dpo_and_ipo_end_at_their_closed_forms_wherever_pairs_are_drawn(drawn: str):
    """DPO at pi_ref exp(r / beta); IPO at pi_ref exp(P(wins against a drawn answer) / tau), Azar et al. 2023."""
    for reward, reference, star in zip(WORLDS.reward_WA, WORLDS.reference_WA, STAR, strict=True):
        mu = np.exp(reference) if drawn == "reference" else np.full(5, 0.2)
        wins = pair_wins(preference(reward), mu)
        ipo = optimum((preference(reward) @ mu)[None], reference[None], BETA)[0]

        np.testing.assert_allclose(star, direct_policy(wins, reference, BETA), atol=1e-9)
        np.testing.assert_allclose(ipo, direct_policy(wins, reference, BETA, "squared"), atol=1e-9)


def test_a_fitted_reward_is_the_true_one_up_to_a_constant_and_flipped_labels_shrink_it():
    reward = WORLDS.reward_WA[0]
    flipped = 0.8 * preference(reward) + 0.2 * preference(-reward)
    fitted = [reward_model(pair_wins(prefers, np.full(5, 0.2)), np.eye(5)) for prefers in (preference(reward), flipped)]

    np.testing.assert_allclose(reward - reward.mean(), fitted[0] - fitted[0].mean(), atol=1e-9)
    assert np.ptp(fitted[1]) < 0.9 * np.ptp(reward)


def test_answers_without_comparisons_stay_where_they_start():
    wins = pair_wins(preference(WORLDS.reward_WA[0]), np.array([0, 0.25, 0.25, 0.25, 0.25]))

    weights = fit_scores(wins, np.eye(5), np.zeros(5), np.array([3.0, 0, 0, 0, 0]))

    assert 3.0 == pytest.approx(weights[0])
    assert 0.0 == pytest.approx(weights[1:].sum())


def test_labels_without_noise_have_no_fit():
    """The loss falls for ever, and a fit that says otherwise would be a number from nowhere."""
    with pytest.raises(ValueError, match="no least loss"):
        reward_model(pair_wins((preference(WORLDS.reward_WA[0]) > 0.5).astype(float), np.full(5, 0.2)), np.eye(5))


def test_samples_keep_their_number_and_approach_the_shares():
    wins = pair_wins(preference(WORLDS.reward_WA[0]), np.full(5, 0.2))
    drawn = sampled_wins(wins, 1_000_000, np.random.default_rng(0))
    apart = wins * (1 - np.eye(5))

    assert 1_000_000 == drawn.sum()
    np.testing.assert_allclose(apart / apart.sum(), drawn / drawn.sum(), atol=2e-3)


def test_each_broken_premise_is_told_from_the_kept_ones():
    tiny = {cell: broken_premise(Premise(broken=cell, beta=BETA, worlds=4, answers=8, steps=50), 0) for cell in CELLS}

    assert max(tiny["none"]["between"] + tiny["none"]["direct_to_optimum"]) < 1e-9
    assert max(tiny["finite pairs"]["between"]) < 1e-9 < 1e-4 < max(tiny["finite pairs"]["direct_to_optimum"])
    for cell in ("unseen answers", "three features", "narrow policy"):
        assert max(tiny[cell]["between"]) > 0.02, cell
    assert max(tiny["labels without noise"]["direct_to_optimum"]) > 0.02
