"""The arms on a given task: DPO by trl, and PPO by our own.

Legend: N replies, B of a batch, T time with the prompt.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from repro.alignment.given.configurations import Example, Given, GivenArm
from repro.alignment.given.tasks import OpenTask, Replies, Split, open_task, rewards_in_file
from repro.alignment.methods.arms import Best, Look, RewardModel, fit_reward_model, reinforced_arm
from repro.alignment.methods.causal import side_by_side
from repro.alignment.methods.configurations import Effort
from repro.alignment.methods.library import Recipe, train
from repro.alignment.methods.pairs import direct_loss, pair_log_probs, pair_rewards, reply_rewards
from repro.alignment.methods.relatives import dpo
from repro.alignment.methods.replies import reply_mask
from repro.instruments.turns import seconds_spent

WARMUP = {"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 10}  # as ours has it


def arm_on_pairs(
    task: OpenTask, config: GivenArm, split: Split, looks: Look, seed: int
) -> tuple[list[float], float, float]:
    """trl's DPO: losses on held-out pairs, share of them in order, seconds."""
    torch.manual_seed(seed)  # adapters
    budget, reference, began = config.budget, task.reference, seconds_spent()
    policy, every = reference.learner(), budget.fit(config.learning_rate).every
    parts, loss = task.tokens(split.held_out).parts(budget.fit_batch), functools.partial(dpo, beta=config.beta)
    sizes = [len(part) for part in parts]
    best = Best(
        policy,
        lambda: float(np.average([direct_loss(policy, reference, part, loss) for part in parts], weights=sizes)),
        looks,
    )
    with tempfile.TemporaryDirectory() as folder:
        train(
            "dpo",
            policy.model,
            task.cutter.tokeniser,
            [task.pairs[n].row() for n in split.seen],
            Recipe(config.learning_rate, budget.fit_steps, budget.fit_batch, beta=config.beta, seed=seed),
            folder=Path(folder),
            over=WARMUP | {"max_length": config.prompt + config.reply},
            watch=lambda step: None if step % every else best(step),
        )
    best.restore()
    policy.eval()
    with torch.no_grad():
        mine, theirs = ([pair_log_probs(model, part) for part in parts] for model in (policy, reference))
    gaps = [(won - won_0) - (lost - lost_0) for (won, lost), (won_0, lost_0) in zip(mine, theirs, strict=True)]
    return best.losses, _ordered_share(torch.cat(gaps)), seconds_spent() - began


def arm_on_reward(
    task: OpenTask, config: GivenArm, split: Split, looks: Look, seed: int
) -> tuple[list[float], float, float]:
    """PPO on a reward model of the pairs: minus PPO's objective, held-out pairs in order, seconds."""
    budget, reference, end = config.budget, task.reference, task.cutter.end
    given = (config.task, config.prompt, config.reply, config.lora, config.device)
    model = _reward_model(given, config.model_rates, budget, seed)
    reward = functools.partial(_learned_rewards, model, config.reply, end)
    replies = Replies(task, config, split.seen, seed)

    def own_loss(policy: nn.Module) -> float:
        readings = replies.read(policy, reward)
        return float((config.beta * readings["kl"] - readings["reward"]).mean())

    def prompts(count: int, generator: torch.Generator) -> Tensor:
        places = torch.randint(len(split.seen), (count,), generator=generator).tolist()
        return side_by_side([task.rows[split.seen[place]][0] for place in places])

    settings = budget.settings(config.learning_rate, beta=config.beta, reply=config.reply, end=end)
    arm = reinforced_arm(reference, reference.width, reward, settings, prompts, own_loss, seed=seed, also=looks)
    with torch.no_grad():
        parts = task.tokens(split.held_out).parts(budget.fit_batch)
        gaps = [won - lost for won, lost in (pair_rewards(model.model, part) for part in parts)]
    return arm.best.losses, _ordered_share(torch.cat(gaps)), arm.seconds + model.seconds


@functools.lru_cache(maxsize=8)
def _reward_model(
    given: tuple[Given | Example, int, int, int, str], rates: tuple[float, ...], budget: Effort, seed: int
) -> RewardModel:
    """The reward model of a seed's pairs, the same for each beta and learning rate of PPO; `given` opens the task."""
    task = open_task(*given)
    split, fits = Split(task, seed), [budget.fit(rate) for rate in rates]
    seen, held_out = task.tokens(split.seen), task.tokens(split.held_out)
    return fit_reward_model(task.reference, task.reference.width, seen, held_out, fits, seed=seed)


@torch.no_grad()
def _learned_rewards(model: RewardModel, reply: int, end: int, tokens_NT: Tensor) -> Tensor:
    """(N,) the reward that a reward model reads at the end of each reply."""
    mask_NT = torch.zeros_like(tokens_NT)
    mask_NT[:, -reply:] = reply_mask(tokens_NT[:, -reply:], end).long()
    return reply_rewards(model.model, tokens_NT, mask_NT)


def share_in_file_order(task: OpenTask, numbers: Sequence[int]) -> float:
    """Share of pairs that the given reward orders as the file does, ties half."""
    chosen_N, rejected_N = (rewards_in_file(task, numbers, side) for side in (1, 2))
    return _ordered_share(chosen_N - rejected_N)


def _ordered_share(gap_N: Tensor) -> float:
    """Share of pairs whose gap is positive, ties half."""
    return round(float((gap_N > 0).float().mean() + 0.5 * (gap_N == 0).float().mean()), 5)
