"""What can be reached from a fine-tuned model's replies, exactly but for their finite number.

Legend: P prompts, N replies to each.
"""

from __future__ import annotations

import numpy as np
import torch

from repro.alignment.methods.replies import Writer
from repro.alignment.reviews.arms import learned_reward
from repro.alignment.reviews.configurations import Reach
from repro.alignment.reviews.start import fine_tuned, reading_generator
from repro.corpora.languages.reviews import gold, prompts
from repro.floor.arrays import Array


def held_out_rewards(config: Reach, seed: int) -> tuple[Array, Array]:
    """(P, N) the reward that chooses among the fine-tuned model's replies to each held-out prompt, and their gold."""
    model, generator = fine_tuned(config.stage, seed), reading_generator(seed)
    asked = [prompt.repeat(config.samples, 1) for prompt in torch.as_tensor(prompts(True))]
    write = Writer(config.stage.reply)
    replies = [write(model, asked_NT, generator) for asked_NT in asked]
    gold_PN = np.array([gold(tokens_NT.cpu().numpy()) for tokens_NT in replies])
    if config.learned is None:
        return gold_PN, gold_PN
    reward, _ = learned_reward(config.stage, config.learned, seed)
    return np.array([reward(tokens_NT).double().cpu().numpy() for tokens_NT in replies]), gold_PN


def best_policy(reward_PN: Array, gold_PN: Array, beta: float) -> tuple[float, float, float]:
    """Gold and KL in nats of the best policy at a beta, means over prompts, and the effective share of the replies.

    The policy weighs replies by exp(reward / beta); the share is the least over prompts.
    """
    weight_PN = np.exp((reward_PN - reward_PN.max(axis=1, keepdims=True)) / beta)
    weight_PN /= weight_PN.sum(axis=1, keepdims=True)
    samples = gold_PN.shape[1]
    kl = (weight_PN * np.log(np.maximum(weight_PN * samples, 1e-300))).sum(axis=1).mean()
    share = (1 / (weight_PN**2).sum(axis=1)).min() / samples
    return float((weight_PN * gold_PN).sum(axis=1).mean()), float(kl), float(share)


def best_of(reward_PN: Array, gold_PN: Array, n: int) -> float:
    """Expected gold of the reply of greatest reward among n, a mean over prompts."""
    samples = gold_PN.shape[1]
    rank = np.arange(samples + 1) / samples
    in_order_PN = np.take_along_axis(gold_PN, np.argsort(reward_PN, axis=1), axis=1)
    return float((in_order_PN @ np.diff(rank**n)).mean())
