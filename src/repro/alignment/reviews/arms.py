"""The arms on reviews: DPO, and PPO on a learned reward or on gold."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from repro.alignment.methods.arms import Looks, RewardModel, direct_arm, fit_reward_model, reinforced_arm
from repro.alignment.methods.configurations import Effort
from repro.alignment.methods.relatives import dpo
from repro.alignment.methods.replies import Writer, sample_replies
from repro.alignment.reviews.configurations import Aligned, Stage
from repro.alignment.reviews.readings import Reader, Reward, implied_reward, objective, ordered_share
from repro.alignment.reviews.start import draw_prompts, fine_tuned, gold_rewards, labelled_pairs, reading_generator
from repro.floor.measurement import Numbers


def arm_on_pairs(config: Aligned, seed: int) -> Numbers:
    """DPO."""
    reference = fine_tuned(config.stage, seed)
    looks = Looks(Reader(reference, config, seed, lambda policy: implied_reward(policy, reference, config.beta)))
    arm = direct_arm(
        reference,
        *labelled_pairs(config.stage, config.pairs, seed),
        functools.partial(dpo, beta=config.beta),
        config.budget.fit(config.learning_rate),
        seed=seed,
        also=looks,
        lora=config.lora,
    )
    return looks.numbers(arm.best.losses) | {"ordered": None, "seconds": round(arm.seconds, 2)}


def arm_on_reward(config: Aligned, seed: int) -> Numbers:
    """PPO on the reward model of the same pairs, or on gold."""
    reference = fine_tuned(config.stage, seed)
    reward, mean, spread, ordered, model_seconds = gold_rewards, 0.0, 1.0, 1.0, 0.0
    if config.method == "PPO":
        model = _reward_model(config.stage, config.pairs, config.model_rates, config.budget, config.lora, seed)
        reward, model_seconds = functools.partial(_last_number, model), model.seconds
        mean, spread = _mean_and_spread(reward, config.stage, seed)
        ordered = ordered_share(reward, reference, config, seed)
    looks = Looks(Reader(reference, config, seed, lambda policy: reward, mean=mean, spread=spread))
    write = Writer(config.stage.reply)
    arm = reinforced_arm(
        reference,
        config.stage.width,
        reward,
        config.budget.settings(config.learning_rate, beta=config.beta, reply=config.stage.reply),
        draw_prompts,
        lambda policy: -objective(policy, reference, reward, config, seed, write),
        seed=seed,
        also=looks,
        lora=config.lora,
    )
    seconds = round(arm.seconds + model_seconds, 2)
    return looks.numbers(arm.best.losses) | {"ordered": ordered, "seconds": seconds}


@functools.lru_cache(maxsize=32)
def _reward_model(
    stage: Stage, pairs: int, rates: tuple[float, ...], budget: Effort, lora: int, seed: int
) -> RewardModel:
    """The reward model of a seed's pairs, the same for each beta and learning rate of PPO."""
    seen, held_out = labelled_pairs(stage, pairs, seed)
    fits = [budget.fit(rate) for rate in rates]
    return fit_reward_model(fine_tuned(stage, seed), stage.width, seen, held_out, fits, seed=seed, lora=lora)


def _last_number(model: RewardModel, tokens_NT: Tensor) -> Tensor:
    """(N,) the reward of each reply, all of one length."""
    return torch.as_tensor(model.model(tokens_NT)[:, -1].detach())


@torch.no_grad()
def _mean_and_spread(reward: Reward, stage: Stage, seed: int) -> tuple[float, float]:
    """Mean and spread of a reward over the fine-tuned model's replies."""
    generator = reading_generator(seed)
    asked_NT = draw_prompts(500, generator)
    rewards_N = reward(sample_replies(fine_tuned(stage, seed), asked_NT, stage.reply, generator))
    return float(rewards_N.mean()), float(rewards_N.std())
