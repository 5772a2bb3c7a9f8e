"""PPO against the closed form, on a language whose sentences can be listed."""

import copy

import numpy as np
import pytest
import torch

from repro.alignment.exact.tabular import Worlds, divergence, lost_share, value
from repro.alignment.listed.sentences import all_sentences, planted_rewards, sentence_log_probs, sentence_numbers
from repro.alignment.methods.configurations import Settings
from repro.alignment.methods.ppo import Readout, advantages, clipped_gain, ppo
from repro.alignment.methods.replies import divergence_at, reply_mask, sample_replies, word_log_probs
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

SHAPE = Decoder(vocabulary=3, width=16, layers=1, heads=2, context=4)
START = torch.zeros((1, 1), dtype=torch.long)
SENTENCES = all_sentences(3, 3)


def model(seed: int) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(SHAPE)


def listed(policy: Transformer) -> np.ndarray:
    with torch.no_grad():
        return sentence_log_probs(policy, SENTENCES).double().numpy()[None]


def test_the_probabilities_of_all_sentences_sum_to_one_and_samples_follow_them():
    chances = np.exp(listed(model(0)))[0]
    drawn = sample_replies(model(0), START.repeat(20_000, 1), 3, torch.Generator().manual_seed(0))
    counts = [int((drawn == sentence).all(dim=1).sum()) for sentence in SENTENCES]

    assert 1 == pytest.approx(chances.sum(), abs=1e-5)
    np.testing.assert_allclose(chances, np.array(counts) / 20_000, atol=0.015)


def test_token_divergences_add_up_to_the_divergence_of_sentences():
    """KL(policy || reference) = the expected sum of the exact KL at each place."""
    with torch.no_grad():
        words = [word_log_probs(model(seed), SENTENCES, 1) for seed in (0, 1)]
        steps = divergence_at(*words).sum(dim=1).double().numpy()

    assert divergence(listed(model(0)), listed(model(1)))[0] == pytest.approx(
        np.exp(listed(model(0)))[0] @ steps, rel=1e-4
    )


def test_a_sentence_has_its_number_and_a_reply_ends_with_its_first_end():
    assert list(range(27)) == sentence_numbers(SENTENCES, 3).tolist()
    assert [[1, 1, 0, 0], [1, 1, 1, 1]] == reply_mask(torch.tensor([[5, 2, 2, 7], [5, 6, 7, 8]]), end=2).tolist()
    assert [[1, 1]] == reply_mask(torch.tensor([[2, 2]]), end=None).tolist()


def test_advantages_with_a_whole_trace_are_returns_minus_values():
    paid, values = torch.rand(2, 4), torch.rand(2, 4)
    returns = paid.flip(1).cumsum(dim=1).flip(1)

    advantage, learnt = advantages(paid, values, trace=1.0)

    torch.testing.assert_close(returns - values, advantage)
    torch.testing.assert_close(returns, learnt)


def test_the_clip_stops_the_gradient_beyond_it_and_only_in_its_direction():
    ratio = torch.tensor([0.5, -0.5, 0.5, -0.5], requires_grad=True)
    clipped_gain(ratio, torch.tensor([1.0, 1.0, -1.0, -1.0]), 0.2).sum().backward()

    assert [True, False, False, True] == (ratio.grad == 0).tolist()


@pytest.mark.slow
def test_ppo_reaches_the_closed_form():
    """Nearly all of what the objective can gain; and it did not start there."""
    reference, policy, beta = model(0), model(0), 0.5
    rewards = planted_rewards(3, 3, seed=1)

    def reward(tokens_BT: torch.Tensor) -> torch.Tensor:
        return rewards[sentence_numbers(tokens_BT, 3)]

    settings = Settings(beta=beta, reply=3, learning_rate=3e-3, steps=120, batch=256)
    values = Readout(copy.deepcopy(reference), 16)
    ppo(policy, reference, values, reward, settings, prompts=lambda count, _: START.repeat(count, 1), seed=0)

    world = Worlds(reward(SENTENCES).double().numpy()[None], listed(reference))
    assert 1 == pytest.approx(lost_share(listed(reference), world, beta)[0], abs=1e-6)
    assert lost_share(listed(policy), world, beta)[0] < 0.1
    assert value(listed(policy), world, beta) > value(listed(reference), world, beta)
