"""The arms of a comparison: they learn what pairs say, and choose without gold."""

import math

import pandas as pd
import pytest
import torch

from repro.alignment.estimates import at_equal_kl, best_rate, gaps_at_equal_kl, tuned
from repro.alignment.listed.configurations import Listed
from repro.alignment.listed.measurements import listed_language
from repro.alignment.listed.sentences import planted_rewards, sentence_numbers
from repro.alignment.methods.arms import Best, direct_arm, judge
from repro.alignment.methods.configurations import Effort, Fit
from repro.alignment.methods.losses import dpo_loss
from repro.alignment.methods.pairs import Pairs, direct_loss, draw_pairs, last_reward, log_probs_of
from repro.alignment.methods.ppo import Readout
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

REWARDS = 3 * planted_rewards(4, 2, seed=0)


def reference() -> Transformer:
    torch.manual_seed(0)
    return Transformer(Decoder(vocabulary=4, width=16, layers=1, heads=1, context=3)).requires_grad_(False)


def reward(tokens: torch.Tensor) -> torch.Tensor:
    return REWARDS[sentence_numbers(tokens, 4)]


def pairs(count: int) -> Pairs:
    starts = torch.zeros((count, 1), dtype=torch.long)
    return draw_pairs(reference(), starts, reward, 2, torch.Generator().manual_seed(0))


def test_planted_rewards_have_mean_0_and_one_spread_and_differ_by_seed():
    assert 0 == pytest.approx(REWARDS.mean().item(), abs=1e-6)
    assert 3 == pytest.approx(REWARDS.std(correction=0).item(), rel=1e-5)
    assert not torch.equal(REWARDS, 3 * planted_rewards(4, 2, seed=1))


def test_labels_follow_bradley_terry():
    """The share of wins of the better sentence is the mean of sigma of the gap."""
    drawn = pairs(20_000)
    gap = reward(drawn.chosen) - reward(drawn.rejected)

    unequal = gap[gap != 0]
    assert torch.sigmoid(unequal.abs()).mean().item() == pytest.approx((unequal > 0).float().mean().item(), abs=0.015)


def test_both_learners_learn_the_planted_order_and_their_own_loss_falls():
    seen, held = pairs(2_000).split()
    fit = Fit(3e-3, steps=80, every=20)
    model = judge(reference(), 16, seen, held, [fit], seed=0)
    arm = direct_arm(reference(), seen, held, 0.5, fit, seed=0)
    with torch.no_grad():
        learnt = model.model(held.chosen)[:, -1]  # what was drawn: of rare sentences no pair says much

    assert model.loss < math.log(2) - 0.01
    assert min(arm.best.losses) < math.log(2) - 0.01
    assert torch.corrcoef(torch.stack([learnt, reward(held.chosen)]))[0, 1] > 0.8


def test_the_best_state_comes_back_and_is_the_trained_one_of_least_own_loss():
    """The untrained module is seen and is no candidate."""
    module, losses, seen = torch.nn.Linear(1, 1), iter([3.0, 1.0, 2.0]), []
    best = Best(module, lambda: next(losses), seen.append)
    for step in (1, 2, 3):
        torch.nn.init.constant_(module.weight, step)
        best(step)
    best.restore()

    assert (2, [3.0, 1.0, 2.0], [0, 1, 2, 3]) == (best.step, best.losses, seen)
    assert 2.0 == module.weight.item()


def test_the_held_out_loss_is_dpo_s():
    drawn = pairs(8)
    moved = Transformer(Decoder(vocabulary=4, width=16, layers=1, heads=1, context=3)).requires_grad_(False)
    mine, theirs = log_probs_of(moved, drawn), log_probs_of(reference(), drawn)
    expected = dpo_loss(mine[0] - theirs[0], mine[1] - theirs[1], beta=0.3).item()

    assert expected == pytest.approx(direct_loss(moved, reference(), drawn, 0.3), rel=1e-6)


def test_a_reward_is_read_at_the_last_token_of_the_reply():
    model = Readout(reference(), 16)
    torch.nn.init.normal_(model.head.weight)
    short, padded = torch.tensor([[0, 3]]), torch.tensor([[0, 3, 1]])

    with torch.no_grad():
        alone = last_reward(model, short, torch.tensor([[0, 1]]))
        torch.testing.assert_close(alone, last_reward(model, padded, torch.tensor([[0, 1, 0]])))


def test_gold_chooses_nothing():
    """The row of least own loss is kept, whatever it reached; planted: the best by gold has the worst own loss."""
    table = pd.DataFrame({"method": "m", "seed": 0, "rate": [1, 2], "own_loss": [0.5, 0.4], "reached": [0.9, 0.1]})

    assert [2] == list(tuned(table, by=["method"])["rate"])


def test_gold_is_read_between_points_and_never_beyond_them():
    """On lines over the root of KL: a quarter of the KL is half of the way."""
    assert 1.5 == at_equal_kl([4.0, 1.0], [3.0, 2.0], level=0.25, origin=1.0)
    with pytest.raises(ValueError, match="no policy reaches KL 3"):
        at_equal_kl([2.0, 1.0], [3.0, 2.0], level=3, origin=1.0)


def test_a_third_method_that_stays_near_does_not_stand_in_the_way_of_two():
    table = pd.DataFrame({"method": ["a", "b", "c"], "seed": 0, "kl": [2.0, 2.0, 0.1], "gold": [3.0, 2.0, 9.0]})

    assert [0.5] == gaps_at_equal_kl(table.assign(gold_start=0.0), "a", "b", levels=[0.5])


def test_on_gold_the_best_for_the_reward_model_is_the_best_of_all():
    """With gold in the reward model's place its optimum attains everything, and `own` is what is reached."""
    tiny = Listed(method="PPO, gold reward", learning_rate=3e-3, pairs=20, budget=Effort(ppo_steps=10, looks=2))
    found = listed_language(tiny, 0)

    assert 1 == pytest.approx(found["model_best"])
    assert found["reached"] == pytest.approx(found["own"])
    assert found["own_loss"] == pytest.approx(1 - found["own"], abs=1e-6)


def test_the_best_rate_is_a_planted_vertex_and_never_beyond_the_grid():
    """Planted: losses that are a parabola over the logarithm of the rate, least at 2e-3."""
    rates = [1e-2, 1e-4, 1e-3]
    losses = [0.5 + math.log(rate / 2e-3) ** 2 for rate in rates]

    assert 2e-3 == pytest.approx(best_rate(rates, losses))
    assert 1e-4 == pytest.approx(best_rate(rates, [1.0, 0.2, 0.5]))
    assert 1e-3 == pytest.approx(best_rate(rates, [math.nan, 0.5, 0.2]))
