"""The arms of a comparison: they learn what pairs say, and choose without gold."""

import math
from functools import partial

import pytest
import torch

from repro.adaptation.estimates import sized
from repro.alignment.listed.configurations import Listed
from repro.alignment.listed.measurements import listed_language
from repro.alignment.listed.sentences import planted_rewards, sentence_numbers
from repro.alignment.methods.arms import Best, Looks, direct_arm, fit_reward_model, learner, reinforced_arm
from repro.alignment.methods.configurations import Effort, Fit, Settings
from repro.alignment.methods.losses import dpo_loss
from repro.alignment.methods.optimiser import WarmAdam
from repro.alignment.methods.pairs import Pairs, direct_loss, draw_pairs, pair_log_probs, reply_rewards
from repro.alignment.methods.ppo import Readout
from repro.alignment.methods.relatives import dpo
from repro.alignment.reviews.configurations import Stage
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer
from repro.sizing.adapters import count_lora, linear_names

SHAPE = Stage(width=32, layers=2).shape
TOKENS = torch.arange(8)[None]
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
    seen, held_out = pairs(2_000).split()
    fit = Fit(learning_rate=3e-3, steps=80, every=20)
    model = fit_reward_model(reference(), 16, seen, held_out, [fit], seed=0)
    arm = direct_arm(reference(), seen, held_out, partial(dpo, beta=0.5), fit, seed=0)
    with torch.no_grad():
        learnt = model.model(held_out.chosen)[:, -1]  # what was drawn: of rare sentences no pair says much

    assert model.loss < math.log(2) - 0.01
    assert min(arm.best.losses) < math.log(2) - 0.01
    assert torch.corrcoef(torch.stack([learnt, reward(held_out.chosen)]))[0, 1] > 0.8


def test_the_best_state_comes_back_and_is_the_trained_one_of_least_own_loss():
    """The untrained module is seen and is no candidate."""
    module, losses, seen = torch.nn.Linear(1, 1), iter([3.0, 1.0, 2.0]), []
    torch.nn.init.zeros_(module.weight)
    best = Best(module, lambda: next(losses), lambda looked_at: seen.append(looked_at.weight.item()))
    for step in (1, 2, 3):
        torch.nn.init.constant_(module.weight, step)
        best(step)
    best.restore()

    assert (2, [3.0, 1.0, 2.0], [0, 1, 2, 3]) == (best.step, best.losses, seen)
    assert 2.0 == module.weight.item()


def test_the_held_out_loss_is_dpo_s():
    drawn = pairs(8)
    moved = Transformer(Decoder(vocabulary=4, width=16, layers=1, heads=1, context=3)).requires_grad_(False)
    mine, theirs = pair_log_probs(moved, drawn), pair_log_probs(reference(), drawn)
    expected = dpo_loss(mine[0] - theirs[0], mine[1] - theirs[1], beta=0.3).item()

    assert expected == pytest.approx(direct_loss(moved, reference(), drawn, partial(dpo, beta=0.3)), rel=1e-6)


def test_a_reward_is_read_at_the_last_token_of_the_reply():
    model = Readout(reference(), 16)
    torch.nn.init.normal_(model.head.weight)
    short, padded = torch.tensor([[0, 3]]), torch.tensor([[0, 3, 1]])

    with torch.no_grad():
        alone = reply_rewards(model, short, torch.tensor([[0, 1]]))
        torch.testing.assert_close(alone, reply_rewards(model, padded, torch.tensor([[0, 1, 0]])))


def test_on_gold_the_best_for_the_reward_model_is_the_best_of_all():
    """With gold in the reward model's place its optimum attains everything, and `own` is what is reached."""
    tiny = Listed(method="PPO, gold reward", learning_rate=3e-3, pairs=20, budget=Effort(ppo_steps=10, looks=2))
    numbers = listed_language(tiny, 0)

    assert 1 == pytest.approx(numbers["model_best"])
    assert numbers["reached"] == pytest.approx(numbers["own"])
    assert numbers["own_loss"] == pytest.approx(1 - numbers["own"], abs=1e-6)


def test_adapters_change_nothing_until_they_learn_and_then_nothing_else_has_changed():
    torch.manual_seed(0)
    start = Transformer(SHAPE).requires_grad_(False)
    policy = learner(start, lora=2)
    before = start(TOKENS)
    assert torch.equal(before, policy(TOKENS))

    optimiser = WarmAdam([policy], 1e-2)
    for _ in range(3):
        optimiser.step(policy(TOKENS).square().mean())

    after = {name.replace(".base_layer", ""): part for name, part in policy.state_dict().items()}
    assert all(torch.equal(part, after[name]) for name, part in start.state_dict().items())
    assert not torch.allclose(before, policy(TOKENS))
    assert torch.equal(before, start(TOKENS))


@pytest.mark.parametrize("method", ["DPO", "reward model", "PPO"])
def test_a_training_is_a_function_of_its_seed_whatever_was_drawn_before(method: str):
    """Adapters start from random numbers, which are drawn from the generator that all of a process shares."""

    def weights(drawn_before: int) -> list[torch.Tensor]:
        torch.manual_seed(0)
        start = Transformer(SHAPE).requires_grad_(False)
        torch.manual_seed(drawn_before)
        return list(trained(method, start).parameters())

    assert all(torch.equal(one, other) for one, other in zip(weights(1), weights(2), strict=True))


def trained(method: str, start: Transformer) -> torch.nn.Module:
    """A decoder that has learnt for two steps by adapters."""
    seen, held_out = draw_pairs(start, start_tokens(40), score, 2, torch.Generator().manual_seed(0)).split()
    fit, settings = Fit(learning_rate=1e-2, steps=2, every=1), Settings(beta=0.1, reply=2, steps=2, batch=8, every=1)
    if method == "DPO":
        return direct_arm(start, seen, held_out, partial(dpo, beta=0.5), fit, seed=0, lora=1).policy
    if method == "reward model":
        return fit_reward_model(start, 32, seen, held_out, [fit], seed=0, lora=1).model
    own = {"prompts": start_tokens, "own_loss": lambda policy: 0.0}
    return reinforced_arm(start, 32, score, settings, **own, seed=0, lora=1).policy


def start_tokens(count: int, generator: torch.Generator | None = None) -> torch.Tensor:
    return torch.zeros((count, 1), dtype=torch.long)


def score(tokens: torch.Tensor) -> torch.Tensor:
    return tokens[:, 1:].float().mean(dim=1) / SHAPE.vocabulary


def test_adapters_have_the_weights_that_the_calculator_counts():
    policy = learner(Transformer(SHAPE), lora=3)
    whole = sized(SHAPE)

    assert count_lora(whole, 3, linear_names(whole)) == sum(
        part.numel() for part in policy.parameters() if part.requires_grad
    )


def test_looks_are_lists_that_begin_with_the_untrained_policy_and_the_best_is_by_its_own_loss():
    looks = Looks(lambda module: {"weight": module.weight.mean()})
    module = torch.nn.Linear(1, 1)
    for weight in (0.0, 1.0, 2.0):
        torch.nn.init.constant_(module.weight, weight)
        looks(module)

    expected = {"weight": [0.0, 1.0, 2.0], "losses": [0.5, 0.4], "own_loss": 0.4, "look": 2}
    assert expected == looks.numbers([0.5, 0.4])
