"""A given model, pairs and reward, opened: what one seed learns from, and what policies write to its prompts.

Legend: N replies, B of a batch, T time with the prompt, R time of the reply.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import disable_progress_bars
from torch import Tensor, nn
from transformers.utils import logging

from repro.alignment.given.configurations import Example, Given, GivenArm
from repro.alignment.given.example import example_task
from repro.alignment.given.forms import Preference
from repro.alignment.given.messages import written
from repro.alignment.given.texts import Cutter, Rewards, Row, cut_pairs, reward_function, stack_rows
from repro.alignment.methods.causal import Causal, causal, side_by_side
from repro.alignment.methods.pairs import HELD_OUT, Pairs
from repro.alignment.methods.replies import (
    divergence_at,
    reply_mask,
    sample_replies,
    seeded_generator,
    word_log_probs,
)
from repro.instruments.devices import on


@dataclass(frozen=True)
class OpenTask:
    """A task in memory: its model, tokeniser and reward, and the pairs that are short enough, with their tokens."""

    reference: Causal
    cutter: Cutter
    rewards: Rewards
    pairs: list[Preference]
    rows: list[Row]

    def tokens(self, numbers: Sequence[int]) -> Pairs:
        """The pairs of these numbers, to learn from."""
        return stack_rows([self.rows[n] for n in numbers])


@functools.lru_cache(maxsize=1)
def open_task(task: Given | Example, prompt: int, reply: int, lora: int = 0, device: str = "cpu") -> OpenTask:
    """Read the files of a task to a device; pairs of more than `prompt` or `reply` tokens are left out.

    Raises:
        ValueError: too few pairs that are short enough.
    """
    _quieten()
    given = example_task(task) if isinstance(task, Example) else task
    pairs = given.pairs.rows()
    cutter = Cutter(given.model.folder(), given.model.name, talk=pairs[0].talk)
    cut = cut_pairs(cutter, pairs, prompt, reply)
    short_pairs = [pairs[n] for n in cut.short]
    with on(device):
        rewards, reference = reward_function(given.reward, short_pairs), causal(given.model.folder(), lora)
    return OpenTask(reference, cutter, rewards, short_pairs, [cut.rows[n] for n in cut.short])


def _quieten() -> None:
    """Keep the libraries' bars and notes out of a reader's page."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()


class Split:
    """A seed's parts of a task: numbers of pairs `seen` and `held_out`, and of pairs `asked` that share no prompt."""

    def __init__(self, task: OpenTask, seed: int) -> None:
        rng, prompts = np.random.default_rng([seed, 11]), sorted({tuple(row[0]) for row in task.rows})
        apart = {prompts[n] for n in rng.permutation(len(prompts))[: max(1, round(HELD_OUT * len(prompts)))]}
        learnt = [n for n, row in enumerate(task.rows) if tuple(row[0]) not in apart]
        order = [learnt[n] for n in rng.permutation(len(learnt))]
        cut = len(order) - max(1, round(HELD_OUT * len(order)))
        self.seen, self.held_out = order[:cut], order[cut:]
        self.asked = [n for n, row in enumerate(task.rows) if tuple(row[0]) in apart]


class Replies:
    """Replies of any policy to the prompts of some pairs, always the same ones, in batches."""

    def __init__(self, task: OpenTask, config: GivenArm, numbers: Sequence[int], seed: int) -> None:
        order = torch.randperm(config.samples, generator=seeded_generator(seed)) % len(numbers)
        self.task, self.config, self.seed = task, config, seed
        self.numbers = [numbers[n] for n in order.tolist()]

    @torch.no_grad()
    def read(self, policy: nn.Module, reward: Callable[[Tensor], Tensor] | None = None) -> dict[str, Tensor]:
        """(N,) `reward` of each reply, the given one or another, its `kl` from the reference, its `tokens`."""
        generator, readings = seeded_generator(10_000 + self.seed), []
        for start in range(0, len(self.numbers), self.config.budget.episodes):
            numbers = self.numbers[start : start + self.config.budget.episodes]
            asked_BT = side_by_side([self.task.rows[n][0] for n in numbers])
            asked = asked_BT.shape[1]
            tokens_BT = sample_replies(policy, asked_BT, self.config.reply, generator)
            words = [word_log_probs(model, tokens_BT, asked) for model in (policy, self.task.reference)]
            mask_BR = reply_mask(tokens_BT[:, asked:], self.task.cutter.end)
            kl_B = (divergence_at(*words) * mask_BR).sum(dim=1)
            reward_B = self._given_reward(numbers, tokens_BT) if reward is None else reward(tokens_BT)
            readings.append((reward_B, kl_B, mask_BR.sum(dim=1)))
        return dict(zip(("reward", "kl", "tokens"), map(torch.cat, zip(*readings, strict=True)), strict=True))

    def _given_reward(self, numbers: Sequence[int], tokens_BT: Tensor) -> Tensor:
        replies = [tokens[-self.config.reply :] for tokens in tokens_BT.tolist()]
        return given_rewards(self.task, numbers, replies)


def given_rewards(task: OpenTask, numbers: Sequence[int], replies: Sequence[Sequence[int]]) -> Tensor:
    """(N,) the given reward of replies, in tokens, to the prompts of these pairs."""
    said = [task.cutter.reply(task.rows[n][0], reply) for n, reply in zip(numbers, replies, strict=True)]
    prompts = [task.pairs[n].prompt for n in numbers]
    return torch.tensor(task.rewards(prompts, [text for text, _ in said], [ended for _, ended in said]))


def rewards_in_file(task: OpenTask, numbers: Sequence[int], side: int) -> Tensor:
    """(N,) the given reward of the file's own replies, 1 chosen or 2 rejected; of several turns it judges the last."""
    prompts, texts, ends = [], [], []
    for pair, row in ((task.pairs[n], task.rows[n]) for n in numbers):
        turns: Any = (pair.chosen, pair.rejected)[side - 1]
        prompt: Any = pair.prompt
        several = pair.talk and len(turns) > 1
        text, ended = (written(turns[-1]), True) if several else task.cutter.reply(row[0], row[side])
        prompts.append([*prompt, *turns[:-1]] if several else prompt)
        texts.append(text)
        ends.append(ended)
    return torch.tensor(task.rewards(prompts, texts, ends))


class Reader:
    """Numbers of a policy's replies; the first policy read is the one that wins are against."""

    def __init__(self, replies: Replies) -> None:
        self.replies = replies
        self.first_N: Tensor | None = None

    def __call__(self, policy: nn.Module) -> dict[str, Tensor]:
        """Let the policy write, and read it."""
        readings = self.replies.read(policy)
        reward_N = readings["reward"]
        if self.first_N is None:
            self.first_N = reward_N
        wins_N = (reward_N > self.first_N).float() + 0.5 * (reward_N == self.first_N).float()
        valid_N = (reward_N >= self.first_N.quantile(0.05)).float()
        return {name: number_N.mean() for name, number_N in (readings | {"wins": wins_N, "valid": valid_N}).items()}
