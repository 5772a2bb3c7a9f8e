"""Reward models of few and of many pairs, and how well each orders replies that it has not seen.

Legend: N replies, T time with the prompt.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from repro.alignment.methods.arms import RewardModel, fit_reward_model
from repro.alignment.methods.configurations import Fit
from repro.alignment.methods.pairs import Pairs, reply_rewards
from repro.alignment.methods.replies import sample_replies
from repro.alignment.reviews.configurations import Ordering
from repro.alignment.reviews.readings import share_in_order
from repro.alignment.reviews.start import draw_prompts, fine_tuned, labelled_pairs, reading_generator


def reward_model_of(config: Ordering, count: int, seed: int) -> RewardModel:
    """The reward model of the first so many pairs, brought back at its least loss on a fifth of them."""
    seen, held_out = first_pairs(config, count, seed)
    steps = max(1, min(config.steps, config.passes * len(seen) // config.batch))
    fit = Fit(learning_rate=config.learning_rate, steps=steps, batch=config.batch, every=max(1, steps // config.looks))
    return fit_reward_model(fine_tuned(config.stage, seed), config.stage.width, seen, held_out, [fit], seed=seed)


def first_pairs(config: Ordering, count: int, seed: int) -> tuple[Pairs, Pairs]:
    """So many of a seed's pairs, four fifths to train on and a fifth held out; larger sets hold the smaller ones."""
    seen, held_out = labelled_pairs(config.stage, max(config.pairs), seed)
    kept = round(count * len(seen) / max(config.pairs))
    return seen.subset(slice(0, kept)), held_out.subset(slice(0, count - kept))


@torch.no_grad()
def ordered_shares(models: list[RewardModel], config: Ordering, seed: int) -> list[float]:
    """Per model the share of pairs of replies to held-out prompts, different in gold, that it puts in gold's order."""
    generator = reading_generator(seed)
    asked_NT = draw_prompts(config.samples, generator, held_out=True)
    reference = fine_tuned(config.stage, seed)
    one_NT, other_NT = (sample_replies(reference, asked_NT, config.stage.reply, generator) for _ in range(2))

    def reward(model: RewardModel, tokens_NT: Tensor) -> Tensor:
        return reply_rewards(model.model, tokens_NT, torch.ones_like(tokens_NT))

    return [share_in_order(functools.partial(reward, model), one_NT, other_NT) for model in models]
