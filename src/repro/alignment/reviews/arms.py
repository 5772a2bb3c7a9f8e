"""The arms on made-up reviews, trained and read.

Legend: N replies, B batch, T time with the prompt, R time of the reply.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.alignment.methods.arms import Look, RewardModel, direct_arm, judge, reinforced_arm
from repro.alignment.methods.configurations import Effort, Fit, Settings
from repro.alignment.methods.pairs import Pairs, draw_pairs
from repro.alignment.methods.replies import Descent, divergence_at, sampled, seeded, taken, word_log_probs
from repro.alignment.reviews.configurations import Aligned, Reach, Stage
from repro.corpora.languages.reviews import ASKED, draw_reviews, gold, is_review, prompts
from repro.floor.measurement import Number, Numbers
from repro.instruments.devices import present
from repro.models.transformer import Transformer

Reward = Callable[[Tensor], Tensor]


@functools.lru_cache(maxsize=8)
def fine_tuned(stage: Stage, seed: int) -> Transformer:
    """A decoder trained from scratch on reviews, each word of a reply given its prompt and the words before."""
    torch.manual_seed(seed)
    model = Transformer(stage.shape)
    descent = Descent([model], stage.learning_rate)
    reviews = torch.as_tensor(draw_reviews(stage.steps * stage.batch, seed, stage.sentences))
    for tokens_BT in reviews.split(stage.batch):
        words_BRV = word_log_probs(model, tokens_BT, ASKED)
        descent.step(F.nll_loss(words_BRV.flatten(0, 1), tokens_BT[:, ASKED:].flatten()))
    return model.requires_grad_(False)


def gold_of(tokens_NT: Tensor) -> Tensor:
    """(N,) gold reward."""
    return torch.as_tensor(gold(tokens_NT.cpu().numpy())).float()


def prompts_for(count: int, *, held_out: bool, generator: torch.Generator) -> Tensor:
    """(N, asked) prompts, all equally often where the count allows, in random order."""
    known = torch.as_tensor(prompts(held_out))
    order = torch.randperm(count, generator=generator) % len(known)
    return known[order]


@functools.lru_cache(maxsize=8)
def labelled(stage: Stage, count: int, seed: int) -> tuple[Pairs, Pairs]:
    """Pairs to train on, and held out."""
    generator = seeded(seed)
    asked = prompts_for(count, held_out=False, generator=generator)
    return draw_pairs(fine_tuned(stage, seed), asked, gold_of, stage.reply, generator).split()


@functools.lru_cache(maxsize=16)
def judged(
    stage: Stage, pairs: int, rates: tuple[float, ...], budget: Effort, lora: int, seed: int
) -> tuple[RewardModel, float, float]:
    """A reward model with mean and spread of its rewards over the fine-tuned model's replies."""
    seen, held = labelled(stage, pairs, seed)
    fits = [_fit(rate, budget) for rate in rates]
    reference, generator = fine_tuned(stage, seed), _generator(seed)
    found = judge(reference, stage.width, seen, held, fits, seed=seed, lora=lora)
    asked = prompts_for(500, held_out=False, generator=generator)
    with torch.no_grad():
        rewards_N = found.model(sampled(reference, asked, stage.reply, generator))[:, -1]
    return found, float(rewards_N.mean()), float(rewards_N.std())


def _fit(rate: float, budget: Effort) -> Fit:
    return Fit(rate, budget.fit_steps, budget.fit_batch, budget.fit_steps // budget.looks)


def _generator(seed: int) -> torch.Generator:
    return seeded(10_000 + seed)


def trained(config: Aligned, seed: int) -> Numbers:
    """The numbers of one trial."""
    with torch.device(present(config.stage.device)):
        return _trained(config, seed)


def _trained(config: Aligned, seed: int) -> Numbers:
    reference, budget = fine_tuned(config.stage, seed), config.budget
    found = Looks(reference, config, seed)
    if config.method == "DPO":
        seen, held = labelled(config.stage, config.pairs, seed)
        fit = _fit(config.learning_rate, budget)
        arm = direct_arm(
            reference,
            seen,
            held,
            config.beta,
            fit,
            seed=seed,
            lora=config.lora,
            also=lambda policy: found.of(policy, implied(policy, reference, config.beta)),
        )
        return found.numbers(arm.best.losses) | {"ordered": None, "seconds": round(arm.seconds, 2)}
    reward, spent, ordered = gold_of, 0.0, 1.0
    if config.method == "PPO":
        model, mean, spread = judged(config.stage, config.pairs, config.model_rates, budget, config.lora, seed)
        reward, spent = (lambda tokens_NT: model.model(tokens_NT)[:, -1].detach()), model.seconds
        found.mean, found.spread = mean, spread
        ordered = in_order(reward, reference, config, seed)
    settings = Settings(
        config.beta,
        config.stage.reply,
        config.learning_rate,
        budget.ppo_steps,
        budget.episodes,
        every=budget.ppo_steps // budget.looks,
    )
    arm = reinforced_arm(
        reference,
        config.stage.width,
        reward,
        settings,
        functools.partial(prompts_for_training),
        lambda policy: -objective(policy, reference, reward, config, seed),
        seed=seed,
        also=lambda policy: found.of(policy, reward),
        lora=config.lora,
    )
    return found.numbers(arm.best.losses) | {"ordered": ordered, "seconds": round(arm.seconds + spent, 2)}


def prompts_for_training(count: int, generator: torch.Generator) -> Tensor:
    """Prompts of a batch of PPO."""
    return prompts_for(count, held_out=False, generator=generator)


def implied(policy: nn.Module, reference: nn.Module, beta: float) -> Reward:
    """The reward that DPO's policy stands for, up to a number for each prompt: beta log(pi / pi_ref)."""

    def reward(tokens_NT: Tensor) -> Tensor:
        mine, theirs = (taken(word_log_probs(m, tokens_NT, ASKED), tokens_NT).sum(dim=1) for m in (policy, reference))
        return beta * (mine - theirs)

    return reward


@torch.no_grad()
def objective(policy: nn.Module, reference: nn.Module, reward: Reward, config: Aligned, seed: int) -> float:
    """Mean reward minus beta KL of replies to training prompts: PPO's own objective, which gold has no part in."""
    generator = _generator(seed)
    asked = prompts_for(config.samples, held_out=False, generator=generator)
    tokens_NT = sampled(policy, asked, config.stage.reply, generator)
    mine, theirs = (word_log_probs(model, tokens_NT, ASKED) for model in (policy, reference))
    return float(reward(tokens_NT).mean() - config.beta * divergence_at(mine, theirs).sum(dim=1).mean())


@torch.no_grad()
def in_order(reward: Reward, reference: Transformer, config: Aligned, seed: int) -> float:
    """Share of pairs of replies to held-out prompts, different in gold, that a reward puts in gold's order."""
    generator = _generator(seed)
    asked = prompts_for(config.samples, held_out=True, generator=generator)
    one, other = (sampled(reference, asked, config.stage.reply, generator) for _ in range(2))
    truth = gold_of(one) - gold_of(other)
    said = reward(one) - reward(other)
    return float(((said > 0) == (truth > 0))[truth.abs() > 1e-6].float().mean())


class Looks:
    """What a policy writes to held-out prompts, whenever somebody looks.

    Fields: `mean`, `spread` of the learned reward over the reference's replies, by which it is stated.
    """

    def __init__(self, reference: Transformer, config: Aligned, seed: int) -> None:
        self.reference, self.config, self.seed = reference, config, seed
        self.mean, self.spread = 0.0, 1.0
        self.lists: dict[str, list[float]] = {}
        self.first_N: Tensor | None = None

    def of(self, policy: nn.Module, reward: Reward) -> Look:
        """What to call at each look."""
        return lambda step: self.look(policy, reward)

    @torch.no_grad()
    def look(self, policy: nn.Module, reward: Reward) -> None:
        """Let the policy write, and note what it is."""
        generator = _generator(self.seed)
        asked = prompts_for(self.config.samples, held_out=True, generator=generator)
        tokens_NT = sampled(policy, asked, self.config.stage.reply, generator)
        mine, theirs = (word_log_probs(model, tokens_NT, ASKED) for model in (policy, self.reference))
        gold_N = gold_of(tokens_NT)
        if self.first_N is None:
            self.first_N = gold_N
        rivals_NN = (asked[:, 1:] == asked[:, 1]).float()
        wins_NN = (gold_N[:, None] > self.first_N).float() + 0.5 * (gold_N[:, None] == self.first_N)
        read = {
            "gold": gold_N.mean(),
            "wins": (wins_NN * rivals_NN).sum() / rivals_NN.sum(),
            "proxy": (reward(tokens_NT).mean() - self.mean) / self.spread,
            "kl": divergence_at(mine, theirs).sum(dim=1).mean(),
            "entropy": -(mine.exp() * mine).sum(dim=-1).sum(dim=1).mean(),
            "valid": is_review(tokens_NT.cpu().numpy()).mean(),
        }
        for name, number in read.items():
            self.lists.setdefault(name, []).append(float(f"{float(number):.5g}"))

    def numbers(self, losses: list[float]) -> dict[str, Number | list[float]]:
        """What a record keeps."""
        short = [float(f"{loss:.6g}") for loss in losses]
        return {**self.lists, "losses": short, "own_loss": min(short), "look": 1 + int(np.argmin(short))}


def reach(config: Reach, seed: int) -> Numbers:
    """The numbers of one trial of `reachable`."""
    with torch.device(present(config.stage.device)):
        return _reach(config, seed)


def _reach(config: Reach, seed: int) -> Numbers:
    model, generator, asked = fine_tuned(config.stage, seed), _generator(seed), torch.as_tensor(prompts(True))
    gold_PN = np.array(
        [
            gold(sampled(model, one.repeat(config.samples, 1), config.stage.reply, generator).cpu().numpy())
            for one in asked
        ]
    )
    best, share = [], []
    for beta in config.betas:
        weight_PN = np.exp((gold_PN - gold_PN.max(axis=1, keepdims=True)) / beta)
        weight_PN /= weight_PN.sum(axis=1, keepdims=True)
        kl = (weight_PN * np.log(np.maximum(weight_PN * config.samples, 1e-300))).sum(axis=1).mean()
        best.append(((weight_PN * gold_PN).sum(axis=1).mean(), kl))
        share.append((1 / (weight_PN**2).sum(axis=1)).min() / config.samples)
    rank = np.arange(config.samples + 1) / config.samples
    of_n = [(np.sort(gold_PN, axis=1) @ np.diff(rank**n)).mean() for n in config.best_of]
    return {
        "best_gold": [float(one) for one, _ in best],
        "best_kl": [float(kl) for _, kl in best],
        "share": [float(part) for part in share],
        "of_n_gold": [float(one) for one in of_n],
        "of_n_kl": [float(np.log(n) - (n - 1) / n) for n in config.best_of],
    }
