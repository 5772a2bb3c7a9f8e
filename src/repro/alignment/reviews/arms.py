"""The arms on reviews: DPO, and PPO on a learned reward or on gold."""

from __future__ import annotations

import functools
from dataclasses import replace

import torch
from torch import Tensor, nn

from repro.alignment.methods.arms import Looks, RewardModel, direct_arm, fit_reward_model, reinforced_arm
from repro.alignment.methods.relatives import dpo
from repro.alignment.methods.replies import Writer, sample_replies
from repro.alignment.reviews.configurations import Aligned, Learned, Stage
from repro.alignment.reviews.readings import Reader, Reward, implied_reward, objective, ordered_share
from repro.alignment.reviews.start import draw_prompts, fine_tuned, gold_rewards, labelled_pairs, reading_generator
from repro.floor.measurement import Numbers


def arm_on_pairs(config: Aligned, seed: int) -> Numbers:
    """DPO."""
    reference = fine_tuned(config.stage, seed)
    reader = Reader(reference, config, seed, lambda policy: implied_reward(policy, reference, config.beta))
    looks = Looks(reader)
    arm = direct_arm(
        reference,
        *labelled_pairs(config.stage, config.pairs, seed),
        functools.partial(dpo, beta=config.beta),
        config.budget.fit(config.learning_rate),
        seed=seed,
        also=looks,
        lora=config.lora,
    )
    numbers = looks.numbers(arm.best.losses) | {"ordered": None, "seconds": round(arm.seconds, 2)}
    return numbers | _read_closely(reader, arm.policy)


def arm_on_reward(config: Aligned, seed: int) -> Numbers:
    """PPO on the reward model of the same pairs, or on gold."""
    reference = fine_tuned(config.stage, seed)
    reward: Reward = gold_rewards
    mean, spread, ordered, model_seconds = 0.0, 1.0, 1.0, 0.0
    if config.method == "PPO":
        taught = Learned(pairs=config.pairs, budget=config.budget, model_rates=config.model_rates, lora=config.lora)
        reward, model_seconds = learned_reward(config.stage, taught, seed)
        mean, spread = _mean_and_spread(reward, config.stage, seed)
        ordered = ordered_share(reward, reference, config, seed)
    reader = Reader(reference, config, seed, lambda policy: reward, mean=mean, spread=spread)
    looks = Looks(reader)
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
    numbers = looks.numbers(arm.best.losses) | {"ordered": ordered, "seconds": seconds}
    return numbers | _read_closely(reader, arm.policy)


@functools.lru_cache(maxsize=32)
def learned_reward(stage: Stage, taught: Learned, seed: int) -> tuple[Reward, float]:
    """The reward model of a seed's pairs, the same for each beta and learning rate of PPO, and the seconds it took."""
    seen, held_out = labelled_pairs(stage, taught.pairs, seed)
    fits = [taught.budget.fit(rate) for rate in taught.model_rates]
    model = fit_reward_model(fine_tuned(stage, seed), stage.width, seen, held_out, fits, seed=seed, lora=taught.lora)
    return functools.partial(_last_number, model), model.seconds


def _read_closely(reader: Reader, policy: nn.Module) -> dict[str, list[float]]:
    """Numbers of the fine-tuned model and of a policy by more replies, two in each list; none where none are asked."""
    if not reader.config.closely:
        return {}
    config = replace(reader.config, samples=reader.config.closely)
    looks = Looks(Reader(reader.reference, config, reader.seed, reader.reward, mean=reader.mean, spread=reader.spread))
    looks(reader.reference), looks(policy)
    return {f"{name}_closely": numbers for name, numbers in looks.lists.items()}


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
