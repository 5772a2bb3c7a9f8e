"""RLOO and GRPO: PPO's samples and its clip without a value network, each reply held against the others of its batch.

All replies of a batch answer one prompt, so that the batch is the group. Legend: B sentences, T time with the prompt,
R time of the reply, V vocabulary.

Source: Ahmadian et al. 2024 (arXiv:2402.14740), section 3; Shao et al. 2024 (arXiv:2402.03300), eq. 3 and 4.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from repro.alignment.exact.coefficients import STD_FLOOR
from repro.alignment.methods.arms import Best, Prompts, Trained, learner
from repro.alignment.methods.configurations import Settings
from repro.alignment.methods.optimiser import WarmAdam
from repro.alignment.methods.ppo import clipped_gain
from repro.alignment.methods.replies import sample_replies, seeded_generator, token_log_probs
from repro.instruments.turns import seconds_spent

Reward = Callable[[Tensor], Tensor]


def leave_one_out_advantage(earned_B: Tensor) -> Tensor:
    """(B,) what each reply earned minus the mean of the others."""
    return (earned_B - earned_B.mean()) * len(earned_B) / (len(earned_B) - 1)


def group_advantage(earned_B: Tensor) -> Tensor:
    """(B,) what each reply earned minus the mean, in standard deviations of its group."""
    return (earned_B - earned_B.mean()) / (earned_B.std() + STD_FLOOR)


def k3(mine_BR: Tensor, theirs_BR: Tensor) -> Tensor:
    """(B, R) the estimate pi_ref / pi - 1 - log(pi_ref / pi) of the KL at the word that was drawn, never negative."""
    log_ratio_BR = theirs_BR - mine_BR
    return log_ratio_BR.exp() - 1 - log_ratio_BR


def rloo_loss(mine_BR: Tensor, old_BR: Tensor, theirs_BR: Tensor, reward_B: Tensor, settings: Settings) -> Tensor:
    """RLOO's loss: one ratio per reply, and the KL term inside the reward, as it was when the reply was drawn."""
    earned_B = reward_B - settings.beta * (old_BR - theirs_BR).sum(dim=1)
    log_ratio_B = (mine_BR - old_BR).sum(dim=1)
    return -clipped_gain(log_ratio_B, leave_one_out_advantage(earned_B), settings.clip).mean()


def grpo_loss(mine_BR: Tensor, old_BR: Tensor, theirs_BR: Tensor, reward_B: Tensor, settings: Settings) -> Tensor:
    """GRPO's loss as its paper has it: one ratio per word, rewards in spreads of their group, k3 in the loss."""
    gained_BR = clipped_gain(mine_BR - old_BR, group_advantage(reward_B)[:, None], settings.clip)
    return (settings.beta * k3(mine_BR, theirs_BR) - gained_BR).mean()


LOSSES = {"RLOO": rloo_loss, "GRPO": grpo_loss}


def train_grouped(
    policy: nn.Module,
    reference: nn.Module,
    reward: Reward,
    settings: Settings,
    method: str,
    *,
    prompts: Prompts,
    seed: int,
    watch: Callable[[int], None] = lambda step: None,
) -> None:
    """Train the policy in place, as many batches and epochs over each as PPO takes; replies have no end token.

    Raises:
        ValueError: no such method.
    """
    if method not in LOSSES:
        raise ValueError(f"got method={method!r}; expected one of {[*LOSSES]}")
    generator, optimiser = seeded_generator(seed), WarmAdam([policy], settings.learning_rate)
    for step in range(1, settings.steps + 1):
        asked_BT = prompts(settings.batch, generator)
        tokens_BT = sample_replies(policy, asked_BT, settings.reply, generator)
        log_probs = functools.partial(token_log_probs, tokens_BT=tokens_BT, asked=asked_BT.shape[1])
        with torch.no_grad():
            theirs_BR, old_BR, reward_B = log_probs(reference), log_probs(policy), reward(tokens_BT)
        for _ in range(settings.epochs):
            optimiser.step(LOSSES[method](log_probs(policy), old_BR, theirs_BR, reward_B, settings))
        if step % settings.every == 0:
            watch(step)


def grouped_arm(
    reference: nn.Module,
    reward: Reward,
    settings: Settings,
    method: str,
    prompts: Prompts,
    own_loss: Callable[[nn.Module], float],
    *,
    seed: int,
) -> Trained:
    """RLOO or GRPO at its best by its own loss."""
    began, policy = seconds_spent(), learner(reference)
    best = Best(policy, functools.partial(own_loss, policy))
    train_grouped(policy, reference, reward, settings, method, prompts=prompts, seed=seed, watch=best)
    best.restore()
    return Trained(policy, best, seconds_spent() - began)
