"""RLOO, GRPO and the other losses on pairs: what each seeks, on small cases that can be worked out."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from repro.alignment.exact.tabular import Worlds, divergence, draw_worlds, lost_share, optimum, optimum_at
from repro.alignment.listed.configurations import Listed
from repro.alignment.listed.measurements import listed_language
from repro.alignment.listed.sentences import all_sentences, planted_rewards, sentence_log_probs, sentence_numbers
from repro.alignment.methods.arms import learner
from repro.alignment.methods.configurations import Effort, Settings
from repro.alignment.methods.grouped import grpo_loss, k3, leave_one_out_advantage, rloo_loss, train_grouped
from repro.alignment.methods.losses import kto_loss
from repro.alignment.methods.relatives import pair_loss
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

TINY = Effort(fit_steps=4, ppo_steps=2, episodes=16, looks=2)


def test_each_reply_is_held_against_the_others():
    earned = torch.tensor([1.0, 2.0, 6.0])

    torch.testing.assert_close(torch.tensor([-3.0, -1.5, 4.5]), leave_one_out_advantage(earned))


def test_k3_is_an_unbiased_estimate_of_the_kl_and_never_negative():
    mine, theirs = torch.log_softmax(torch.randn(2, 1, 50, generator=torch.Generator().manual_seed(0)), dim=-1)

    estimates = k3(mine, theirs)
    assert (estimates >= 0).all()
    torch.testing.assert_close((mine.exp() * (mine - theirs)).sum(), (mine.exp() * estimates).sum())


def test_at_the_first_epoch_rloo_climbs_the_penalised_reward_and_grpo_the_reward_in_spreads():
    """The gradient of minus the loss: the advantage at each reply, over the batch; GRPO shares it among the words."""
    said = torch.full((3, 2), -1.0, requires_grad=True)
    old, theirs, reward = said.detach(), torch.tensor([[-1.0, -1.0], [-2.0, -1.0], [-1.0, -1.0]]), torch.arange(3.0)
    settings = Settings(beta=1.0, reply=2)
    (rloo,) = torch.autograd.grad(-rloo_loss(said, old, theirs, reward, settings), said)
    (grpo,) = torch.autograd.grad(-grpo_loss(said, old, old, reward, settings), said)

    earned = reward - torch.tensor([0.0, 1.0, 0.0])  # the second reply lies one nat from the reference
    torch.testing.assert_close((leave_one_out_advantage(earned) / 3)[:, None].expand(3, 2), rloo)
    torch.testing.assert_close((torch.tensor([-1.0, 0.0, 1.0]) / 6)[:, None].expand(3, 2), grpo, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_rloo_comes_near_the_closed_form_and_grpo_rests_elsewhere():
    """Gradient ascent on the exact objective leaves 0.08 of it here: this decoder is too small to be the optimum."""
    sentences, rewards = all_sentences(3, 3), planted_rewards(3, 3, seed=1)
    lost = {}
    for method in ("RLOO", "GRPO"):
        torch.manual_seed(0)
        reference = Transformer(Decoder(vocabulary=3, width=16, layers=1, heads=2, context=4))
        policy, settings = learner(reference), Settings(beta=0.5, reply=3, learning_rate=1e-2, steps=60, batch=128)
        train_grouped(
            policy,
            reference,
            lambda tokens: rewards[sentence_numbers(tokens, 3)],
            settings,
            method,
            prompts=lambda count, _: torch.zeros((count, 1), dtype=torch.long),
            seed=0,
        )
        with torch.no_grad():
            base, mine = (sentence_log_probs(m, sentences).double().numpy()[None] for m in (reference, policy))
        lost[method] = lost_share(mine, Worlds(rewards.double().numpy()[None], base), 0.5)[0]

    assert lost["RLOO"] < 0.15
    assert lost["GRPO"] > 0.2


def test_losses_without_a_reference_do_not_change_with_it_and_the_others_do():
    generator = torch.Generator().manual_seed(0)
    mine, theirs, other = (tuple(-torch.rand(2, 4, generator=generator)) for _ in range(3))
    moved = {
        method: abs(float(pair_loss(method, 0.3, 4)(mine, theirs) - pair_loss(method, 0.3, 4)(mine, other)))
        for method in ("DPO", "IPO", "KTO", "ORPO", "SimPO", "SFT on chosen")
    }

    assert {"ORPO", "SimPO", "SFT on chosen"} == {method for method, change in moved.items() if change == 0}


def test_kto_at_the_reference_is_a_half_and_falls_where_the_chosen_gain():
    none, gained = torch.zeros(4), torch.ones(4)

    assert 0.5 == kto_loss(none, none, beta=1.0).item()
    assert (2 - 2 / (1 + math.exp(-1))) / 2 == pytest.approx(kto_loss(gained, -gained, beta=1.0).item())


def test_no_policy_of_equal_kl_gains_more_than_the_optimum_there():
    world = draw_worlds(1, 6, seed=0)
    best = optimum(world.reward_WA, world.reference_WA, 0.7)

    np.testing.assert_allclose(best, optimum_at(divergence(best, world.reference_WA)[0], world), atol=1e-9)


@pytest.mark.parametrize("method", ["RLOO", "GRPO", "IPO", "KTO", "ORPO", "SimPO", "SFT on chosen"])
def test_each_relative_trains_and_gains_no_more_than_can_be_gained_at_its_kl(method):
    numbers = listed_language(Listed(method=method, learning_rate=3e-3, pairs=40, budget=TINY, model_rates=(3e-3,)), 0)

    assert numbers["kl"] > 0
    assert numbers["gain"] <= numbers["best_gain"] + 1e-9
    assert (numbers["own"] is None) == (method not in ("RLOO", "GRPO"))


def test_grpo_trains_by_its_own_weight_and_is_judged_by_beta():
    tiny = Listed(method="GRPO", learning_rate=3e-3, pairs=40, budget=TINY, model_rates=(3e-3,))
    alike, heavier = (listed_language(replace(tiny, strength=weight), 0) for weight in (0.3, 30.0))

    assert alike["losses"] == listed_language(tiny, 0)["losses"]
    assert heavier["kl"] < alike["kl"] and heavier["model_best"] == alike["model_best"]
    with pytest.raises(ValueError, match=r"got strength=0\.6 for PPO, whose weight is beta"):
        listed_language(replace(tiny, method="PPO", strength=0.6), 0)


def test_pairs_of_another_decoder_are_other_pairs_and_a_wrong_name_is_refused():
    one, other = (
        listed_language(Listed(method="DPO", learning_rate=3e-3, pairs=40, budget=TINY, drawn_by=by), 0)
        for by in ("reference", "another decoder")
    )

    assert one["losses"] != other["losses"]
    with pytest.raises(ValueError, match="got drawn_by='nobody'"):
        listed_language(Listed(method="DPO", learning_rate=3e-3, pairs=40, drawn_by="nobody"), 0)
