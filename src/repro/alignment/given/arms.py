"""DPO by trl and PPO by our own, on a reader's model and pairs.

Legend: N replies, B of a batch, T time with the prompt, R time of the reply, V vocabulary.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from datasets import disable_progress_bars
from torch import Tensor, nn
from transformers.utils import logging

from repro.alignment.given.configurations import Example, Given, Owned
from repro.alignment.given.example import written
from repro.alignment.given.preferences import Preference
from repro.alignment.given.texts import Cutter, Rewards, judge_of, stacked
from repro.alignment.methods.arms import Best, RewardModel, judge, reinforced_arm
from repro.alignment.methods.causal import Causal, causal, side_by_side
from repro.alignment.methods.configurations import Effort, Fit, Settings
from repro.alignment.methods.pairs import HELD_OUT, Pairs, direct_loss, last_reward, log_probs_of, rewards_of
from repro.alignment.methods.ppo import Readout
from repro.alignment.methods.replies import divergence_at, sampled, seeded, up_to_end, word_log_probs
from repro.floor.measurement import Number, Numbers
from repro.instruments.devices import present

FEWEST = 10  # pairs, and prompts, of which a fifth is held out
WARMUP = {"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 10}  # as ours has it
Row = tuple[list[int], list[int], list[int]]


@dataclass(frozen=True)
class Opened:
    """What was given, read: the model, its tokeniser, the judge, and pairs that are short enough with their tokens."""

    reference: Causal
    cutter: Cutter
    rewards: Rewards
    pairs: list[Preference]
    rows: list[Row]


@functools.lru_cache(maxsize=1)
def opened(task: Given | Example, prompt: int, reply: int, lora: int = 0) -> Opened:
    """Read what was given.

    Raises:
        ValueError: too few pairs that are short enough.
    """
    _quieten()
    given = written(task) if isinstance(task, Example) else task
    pairs = given.pairs.rows()
    cutter = Cutter(given.model.folder(), given.model.name, talk=pairs[0].talk)
    rows = [cutter.pair(pair) for pair in pairs]
    kept = [n for n, (asked, *said) in enumerate(rows) if len(asked) <= prompt and max(map(len, said)) <= reply]
    asked_for = {tuple(rows[n][0]) for n in kept}
    if len(kept) < FEWEST or len(asked_for) < FEWEST:
        raise ValueError(
            f"{len(kept)} of {len(rows)} pairs, with {len(asked_for)} different prompts, have at most {prompt} tokens "
            f"of prompt and {reply} of a reply; expected {FEWEST} of both: give more, or raise -p prompt and -p reply"
        )
    judged = judge_of(given.reward, [pairs[n] for n in kept])
    reference = causal(given.model.folder(), lora)
    return Opened(reference, cutter, judged, [pairs[n] for n in kept], [rows[n] for n in kept])


def _quieten() -> None:
    """Keep the libraries' bars and notes out of a reader's page."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()


class Split:
    """One seed's parts of what was given. Fields: rows `seen` and `held`, and prompts `asked` of neither, in order."""

    def __init__(self, whole: Opened, seed: int) -> None:
        rng, prompts = np.random.default_rng([seed, 11]), sorted({tuple(row[0]) for row in whole.rows})
        apart = {prompts[n] for n in rng.permutation(len(prompts))[: max(1, round(HELD_OUT * len(prompts)))]}
        kept = [n for n in range(len(whole.rows)) if tuple(whole.rows[n][0]) not in apart]
        order = [kept[n] for n in rng.permutation(len(kept))]
        cut = len(order) - max(1, round(HELD_OUT * len(order)))
        self.seen, self.held = order[:cut], order[cut:]
        self.asked = [n for n in range(len(whole.rows)) if tuple(whole.rows[n][0]) in apart]


class Replies:
    """Replies to prompts of some rows, drawn, read and judged in batches."""

    def __init__(self, whole: Opened, config: Owned, rows: Sequence[int], seed: int) -> None:
        order = torch.randperm(config.samples, generator=seeded(seed)) % len(rows)
        self.whole, self.config, self.seed = whole, config, seed
        self.rows = [rows[n] for n in order.tolist()]

    @torch.no_grad()
    def of(self, policy: nn.Module, reward: Callable[[Tensor], Tensor] | None = None) -> dict[str, Tensor]:
        """(N,) `reward` of each reply, by the given judge or by another, its `kl` from the reference, its `tokens`."""
        generator, found = seeded(10_000 + self.seed), []
        for start in range(0, len(self.rows), self.config.budget.episodes):
            part = self.rows[start : start + self.config.budget.episodes]
            asked_BT = side_by_side([self.whole.rows[n][0] for n in part])
            tokens_BT = sampled(policy, asked_BT, self.config.reply, generator)
            words = [word_log_probs(model, tokens_BT, asked_BT.shape[1]) for model in (policy, self.whole.reference)]
            kept_BR = up_to_end(tokens_BT[:, asked_BT.shape[1] :], self.whole.cutter.end)
            kl_B = (divergence_at(*words) * kept_BR).sum(dim=1)
            worth_B = self._judged(part, tokens_BT) if reward is None else reward(tokens_BT)
            found.append((worth_B, kl_B, kept_BR.sum(dim=1)))
        return dict(zip(("reward", "kl", "tokens"), map(torch.cat, zip(*found, strict=True)), strict=True))

    def _judged(self, rows: Sequence[int], tokens_BT: Tensor) -> Tensor:
        said = [
            self.whole.cutter.reply(self.whole.rows[n][0], tokens[-self.config.reply :])
            for n, tokens in zip(rows, tokens_BT.tolist(), strict=True)
        ]
        prompts = [self.whole.pairs[n].prompt for n in rows]
        return torch.tensor(self.whole.rewards(prompts, [text for text, _ in said], [ended for _, ended in said]))


class Looks:
    """What a policy writes to held-out prompts, at each look."""

    def __init__(self, replies: Replies) -> None:
        self.replies, self.lists = replies, dict[str, list[float]]()
        self.first: dict[str, Tensor] = {}

    def __call__(self, policy: nn.Module) -> None:
        """Let the policy write, and note what it is."""
        found = self.replies.of(policy)
        self.first = self.first or found
        before_N, now_N = self.first["reward"], found["reward"]
        read = {name: number_N.mean() for name, number_N in found.items()}
        read["wins"] = (now_N > before_N).float().mean() + 0.5 * (now_N == before_N).float().mean()
        read["valid"] = (now_N >= before_N.quantile(0.05)).float().mean()
        for name, number in read.items():
            self.lists.setdefault(name, []).append(float(f"{float(number):.5g}"))


def trained(config: Owned, seed: int) -> Numbers:
    """The numbers of one trial."""
    with torch.device(present(config.device)):
        return _trained(config, seed)


def _trained(config: Owned, seed: int) -> Numbers:
    whole = opened(config.task, config.prompt, config.reply, config.lora)
    split = Split(whole, seed)
    held = stacked([whole.rows[n] for n in split.held])
    looks = Looks(Replies(whole, config, split.asked, seed))
    arm = _direct if config.method == "DPO" else _reinforced
    losses, ordered, seconds = arm(whole, config, split, held, looks, seed)
    short = [float(f"{loss:.6g}") for loss in losses]
    numbers: dict[str, Number | list[float]] = {
        **looks.lists,
        "losses": short,
        "own_loss": min(short),
        "look": 1 + int(np.argmin(short)),
        "ordered": ordered,
        "judged": _in_file_order(whole, split.held),
        "used": len(whole.rows),
        "seconds": round(seconds, 2),
    }
    return numbers


def _direct(
    whole: Opened, config: Owned, split: Split, held: Pairs, looks: Looks, seed: int
) -> tuple[list[float], float, float]:
    """trl's DPO: losses on held-out pairs, share of them in order, CPU seconds."""
    from repro.alignment.methods.library import Recipe, train

    budget, reference, began = config.budget, whole.reference, time.process_time()
    policy, every = reference.learner(), max(1, budget.fit_steps // budget.looks)
    parts = _parts(held, budget.fit_batch)
    best = Best(
        policy,
        lambda: _mean([direct_loss(policy, reference, one, config.beta) for one in parts], parts),
        lambda step: looks(policy),
    )
    rows = [{side: getattr(whole.pairs[n], side) for side in ("prompt", "chosen", "rejected")} for n in split.seen]
    recipe = Recipe(config.learning_rate, budget.fit_steps, budget.fit_batch, beta=config.beta, seed=seed)
    over = WARMUP | {"max_length": config.prompt + config.reply}
    with tempfile.TemporaryDirectory() as folder:
        train(
            "dpo",
            policy.model,
            whole.cutter.tokeniser,
            rows,
            recipe,
            folder=Path(folder),
            over=over,
            watch=lambda step: None if step % every else best(step),
        )
    best.restore()
    policy.eval()
    with torch.no_grad():
        gaps = [_ratios(policy, reference, one) for one in parts]
    return best.losses, _share(torch.cat(gaps)), time.process_time() - began


def _reinforced(
    whole: Opened, config: Owned, split: Split, held: Pairs, looks: Looks, seed: int
) -> tuple[list[float], float, float]:
    """A reward model of the pairs, and PPO by it: minus PPO's objective, held-out pairs in order, CPU seconds."""
    budget, reference = config.budget, whole.reference
    found = _judge(config.task, config.prompt, config.reply, config.lora, config.model_rates, budget, seed)
    reward = functools.partial(_learned, found.model, config.reply, whole.cutter.end)
    watched = Replies(whole, config, split.seen, seed)

    def own_loss(policy: nn.Module) -> float:
        said = watched.of(policy, reward)
        return float((config.beta * said["kl"] - said["reward"]).mean())

    def prompts(count: int, generator: torch.Generator) -> Tensor:
        drawn = torch.randint(len(split.seen), (count,), generator=generator).tolist()
        return side_by_side([whole.rows[split.seen[n]][0] for n in drawn])

    settings = Settings(
        config.beta,
        config.reply,
        config.learning_rate,
        budget.ppo_steps,
        budget.episodes,
        end=whole.cutter.end,
        every=max(1, budget.ppo_steps // budget.looks),
    )
    arm = reinforced_arm(
        reference,
        reference.width,
        reward,
        settings,
        prompts,
        own_loss,
        seed=seed,
        also=lambda policy: lambda step: looks(policy),
    )
    with torch.no_grad():
        gaps = [won - lost for won, lost in (rewards_of(found.model, one) for one in _parts(held, budget.fit_batch))]
    return arm.best.losses, _share(torch.cat(gaps)), arm.seconds + found.seconds


@functools.lru_cache(maxsize=8)
def _judge(
    task: Given | Example, prompt: int, reply: int, lora: int, rates: tuple[float, ...], budget: Effort, seed: int
) -> RewardModel:
    """The reward model of a seed's pairs, the same for each beta and learning rate of PPO."""
    whole = opened(task, prompt, reply, lora)
    split, every = Split(whole, seed), max(1, budget.fit_steps // budget.looks)
    fits = [Fit(rate, budget.fit_steps, budget.fit_batch, every) for rate in rates]
    seen, held = (stacked([whole.rows[n] for n in part]) for part in (split.seen, split.held))
    return judge(whole.reference, whole.reference.width, seen, held, fits, seed=seed)


@torch.no_grad()
def _learned(model: Readout, reply: int, end: int, tokens_NT: Tensor) -> Tensor:
    """(N,) what a reward model reads at the end of each reply."""
    mask_NT = torch.zeros_like(tokens_NT)
    mask_NT[:, -reply:] = up_to_end(tokens_NT[:, -reply:], end).long()
    return last_reward(model, tokens_NT, mask_NT)


def _ratios(policy: nn.Module, reference: nn.Module, pairs: Pairs) -> Tensor:
    """(N,) how much more the policy has come to favour what won: its implied reward, over beta."""
    mine, theirs = log_probs_of(policy, pairs), log_probs_of(reference, pairs)
    return (mine[0] - theirs[0]) - (mine[1] - theirs[1])


def _in_file_order(whole: Opened, rows: Sequence[int]) -> float:
    """Share of pairs that the given judge orders as the file does, ties half."""
    scores = []
    for side in (1, 2):
        said = [whole.cutter.reply(whole.rows[n][0], whole.rows[n][side]) for n in rows]
        texts, ended = [text for text, _ in said], [ended for _, ended in said]
        scores.append(torch.tensor(whole.rewards([whole.pairs[n].prompt for n in rows], texts, ended)))
    return _share(scores[0] - scores[1])


def _share(gap_N: Tensor) -> float:
    return round(float((gap_N > 0).float().mean() + 0.5 * (gap_N == 0).float().mean()), 5)


def _parts(pairs: Pairs, size: int) -> list[Pairs]:
    return [pairs.at(slice(start, start + size)) for start in range(0, len(pairs), size)]


def _mean(losses: list[float], parts: list[Pairs]) -> float:
    return float(np.average(losses, weights=[len(one) for one in parts]))
