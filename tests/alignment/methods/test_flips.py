"""Labels turned round, and losses that know how many: what their means are, and that one is trl's."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from repro.alignment.listed.configurations import OPTIMUM, Listed
from repro.alignment.listed.measurements import listed_language
from repro.alignment.methods.configurations import Effort
from repro.alignment.methods.flips import corrected_pair_loss, corrected_reward_loss, flip_labels, smoothed, unbiased
from repro.alignment.methods.losses import reward_loss
from repro.alignment.methods.pairs import Pairs
from repro.alignment.methods.relatives import dpo

TINY = Listed(method="DPO", learning_rate=3e-3, pairs=40, budget=Effort(fit_steps=4, looks=2))


def numbered(count: int) -> Pairs:
    """Pairs whose winner is a positive number and whose loser is its negative."""
    number = torch.arange(1, count + 1)[:, None]
    return Pairs(number, -number, torch.ones_like(number), torch.ones_like(number))


def test_flips_turn_pairs_round_at_their_share_and_are_nested():
    few, many = (flip_labels(numbered(20_000), share, seed=3) for share in (0.1, 0.3))

    assert 0.3 == pytest.approx((many.chosen < 0).float().mean().item(), abs=0.01)
    assert (many.chosen == -many.rejected).all()
    assert ((few.chosen < 0) <= (many.chosen < 0)).all()
    torch.testing.assert_close(numbered(9).chosen, flip_labels(numbered(9), 0.0, seed=3).chosen)


@pytest.mark.parametrize("told", [0.3, 0.2])
def test_over_flips_the_unbiased_loss_has_the_mean_of_the_clean_loss_if_it_is_told_their_share(told: float):
    """Planted: told 0.2 where 0.3 are flipped it has not, and neither has the smoothed loss."""
    clean, reverse = 0.4, 1.7  # losses of a label and of its reverse

    def mean(mend) -> float:
        return 0.7 * mend(clean, reverse, told) + 0.3 * mend(reverse, clean, told)

    assert (told == 0.3) == (mean(unbiased) == pytest.approx(clean))
    assert mean(smoothed) != pytest.approx(clean)


def test_the_reverse_of_a_label_is_the_pair_turned_round():
    mine, theirs = ((torch.tensor([a]), torch.tensor([b])) for a, b in ((-1.0, -2.0), (-1.5, -1.2)))
    loss = partial(dpo, beta=0.3)
    clean, reverse = loss(mine, theirs), loss(mine[::-1], theirs[::-1])
    smooth, robust = (corrected_pair_loss(loss, way, 0.1)(mine, theirs) for way in ("smoothed", "unbiased"))

    torch.testing.assert_close(0.9 * clean + 0.1 * reverse, smooth)
    torch.testing.assert_close((0.9 * clean - 0.1 * reverse) / 0.8, robust)
    rewards = corrected_reward_loss(reward_loss, "unbiased", 0.1)(*mine)
    torch.testing.assert_close((0.9 * reward_loss(*mine) - 0.1 * reward_loss(*mine[::-1])) / 0.8, rewards)


def test_a_trial_without_flips_is_the_one_it_was_and_with_them_another():
    """Its corrections differ from each other too; a wrong name is refused."""
    ways = [
        TINY,
        replace(TINY, flipped=0.3),
        *(replace(TINY, flipped=0.3, corrected=c) for c in ("smoothed", "unbiased")),
    ]
    losses = [tuple(listed_language(way, 0)["losses"]) for way in ways]

    assert 4 == len(set(losses))
    assert losses[0] == tuple(listed_language(replace(TINY, corrected="unbiased"), 0)["losses"])
    with pytest.raises(ValueError, match="got corrected='whole'"):
        listed_language(replace(TINY, corrected="whole"), 0)


def test_the_optimum_for_a_reward_model_goes_farther_at_a_smaller_weight_and_no_policy_gains_more_there():
    near, far = (listed_language(replace(TINY, method=OPTIMUM, strength=weight), 0) for weight in (1.0, 0.1))

    assert near["kl"] < far["kl"]
    assert near["own_loss"] == far["own_loss"]
    assert far["gain"] <= far["best_gain"] + 1e-9
