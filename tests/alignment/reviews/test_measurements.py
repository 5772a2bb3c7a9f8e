"""Trials on reviews: what can be reached from a model that writes them, and what training costs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from repro.alignment.methods.configurations import Effort
from repro.alignment.reviews.configurations import Aligned, Learned, Ordering, Reach, Stage
from repro.alignment.reviews.estimates import passes
from repro.alignment.reviews.measurements import aligned_reviews, reachable, reward_order
from repro.alignment.reviews.ordering import first_pairs
from repro.alignment.reviews.readings import share_in_order
from repro.alignment.reviews.start import gold_rewards
from repro.corpora.languages.reviews import draw_reviews


def test_the_best_policy_gains_with_kl_and_best_of_n_never_has_more_of_its_objective():
    """At each beta mean gold minus beta KL is greatest for the policy that is drawn as the best."""
    betas = np.array([0.2, 1.0, 5.0])
    reached = {
        name: np.array(value)
        for name, value in reachable(
            Reach(stage=Stage(width=8, layers=1, steps=20, batch=16), betas=tuple(betas)), 0
        ).items()
    }
    objective = reached["best_gold"] - betas * reached["best_kl"]
    of_n = reached["of_n_gold"][:, None] - betas * reached["of_n_kl"][:, None]

    assert (np.diff(reached["best_kl"]) < 0).all() and (np.diff(reached["best_gold"]) < 0).all()
    assert (of_n <= objective + 0.01).all()
    assert (np.diff(reached["of_n_gold"]) > 0).all()


def test_no_policy_for_a_learned_reward_has_more_of_golds_objective_than_the_best_policy():
    """Both weigh the same replies, so it holds exactly, at every weight of the KL."""
    stage = Stage(width=8, layers=1, steps=20, batch=16)
    taught = Learned(pairs=60, budget=Effort(fit_steps=10, fit_batch=8, looks=2), model_rates=(1e-2,))
    betas = np.array([0.05, 0.2, 1.0, 5.0])
    best, learned = (
        reachable(Reach(stage=stage, betas=tuple(betas), learned=one, samples=400), 0) for one in (None, taught)
    )
    most = np.subtract(best["best_gold"], betas * best["best_kl"])
    reached = np.array(learned["best_gold"])[:, None] - betas * np.array(learned["best_kl"])[:, None]

    assert (reached <= most + 1e-9).all()
    assert best["of_n_gold"][0] == pytest.approx(learned["of_n_gold"][0])
    assert best["of_n_gold"][-1] > learned["of_n_gold"][-1]


@pytest.mark.parametrize("method", ["DPO", "PPO"])
def test_a_close_reading_by_as_many_replies_is_the_reading_of_the_kept_look(method):
    """The kept policy is read, and not the last: planted, a rate so high that later looks are worse."""
    stage = Stage(width=8, layers=1, steps=20, batch=16)
    budget = Effort(fit_steps=12, fit_batch=8, ppo_steps=6, episodes=8, looks=3)
    trial = Aligned(
        method=method, beta=0.3, learning_rate=3e-2, pairs=40, budget=budget, stage=stage, samples=30, closely=30
    )
    numbers = aligned_reviews(trial, 0)

    for name in ("gold", "kl", "proxy"):
        assert [numbers[name][0], numbers[name][numbers["look"]]] == pytest.approx(numbers[f"{name}_closely"])
    assert "gold_closely" not in aligned_reviews(replace(trial, closely=0), 0)


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="device is 'gpu', which is not here; expected cpu, or cuda"):
        reachable(Reach(stage=Stage(width=8, layers=1, steps=5, batch=16, device="gpu")), 0)


def test_a_larger_set_of_pairs_holds_the_smaller_ones_and_keeps_a_fifth_out():
    config = Ordering(pairs=(20, 40), steps=3, looks=1, samples=50, stage=Stage(width=8, layers=1, steps=5, batch=16))
    (few, few_out), (all_, all_out) = (first_pairs(config, count, seed=0) for count in config.pairs)

    assert (16, 4, 32, 8) == (len(few), len(few_out), len(all_), len(all_out))
    assert few.chosen.equal(all_.chosen[:16]) and few_out.rejected.equal(all_out.rejected[:4])
    alone = reward_order(replace(config, pairs=(40,)), 0)
    assert alone["ordered"] == reward_order(config, 0)["ordered"][1:]


def test_a_reward_is_in_golds_order_always_never_or_by_chance():
    """By gold itself, by its reverse, and by a number that knows nothing."""
    texts = torch.as_tensor(draw_reviews(400, seed=0))
    one_NT, other_NT = texts[:200], texts[200:]
    blind = torch.Generator().manual_seed(0)

    assert 1 == share_in_order(gold_rewards, one_NT, other_NT)
    assert 0 == share_in_order(lambda tokens: -gold_rewards(tokens), one_NT, other_NT)
    assert 0.5 == pytest.approx(
        share_in_order(lambda tokens: torch.rand(len(tokens), generator=blind), one_NT, other_NT), abs=0.15
    )


def test_passes_are_counted_by_hand():
    budget = Effort(fit_steps=10, fit_batch=4, ppo_steps=3, episodes=5)
    direct, ppo = (
        passes(Aligned(method=method, beta=0.1, learning_rate=1e-3, pairs=50, budget=budget))
        for method in ("DPO", "PPO")
    )

    assert {"pairs": 2 * 3 * 40, "reference": 100} == direct
    assert {"reward model": 240, "writing": 15, "reading": 60, "learning": 2 * 3 * 4 * 15} == ppo


def test_a_review_has_three_sentences_or_more():
    with pytest.raises(ValueError, match="a review of 2 sentences; expected 3 or more"):
        Stage(sentences=2)


@pytest.mark.parametrize(("method", "close"), [("DPO", 1e-3), ("PPO, gold reward", 1e-3), ("PPO", 0.05)])
def test_a_trial_on_a_gpu_gives_the_numbers_of_a_cpu_by_graphs(gpu, method, close):
    """Rounding alone is another; through a reward model that has hardly learnt it is larger."""
    budget, numbers = Effort(fit_steps=16, fit_batch=8, ppo_steps=6, episodes=8, looks=3), {}
    for device in ("cpu", "cuda"):
        stage = Stage(width=16, layers=1, steps=20, batch=8, device=device)
        trial = Aligned(
            method=method,
            beta=0.3,
            learning_rate=3e-3,
            pairs=60,
            budget=budget,
            stage=stage,
            model_rates=(1e-2,),
            samples=20,
        )
        numbers[device] = aligned_reviews(trial, 0)

    for name in ("gold", "kl", "entropy", "losses"):
        assert numbers["cpu"][name] == pytest.approx(numbers["cuda"][name], rel=close, abs=close), name
    assert gpu.graph_replays >= 19 and gpu.launches < 2.5 * gpu.launches_in_graphs
