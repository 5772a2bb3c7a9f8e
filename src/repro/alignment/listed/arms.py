"""The arms on a listed language, trained and weighed.

Legend: S sentences, T time with the start, B batch.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from repro.alignment.exact.tabular import Worlds, divergence, lost_share, optimum, optimum_at, total_variation
from repro.alignment.listed.configurations import ON_PAIRS, OPTIMUM, Language, Listed
from repro.alignment.listed.sentences import all_sentences, planted_rewards, sentence_log_probs, sentence_numbers
from repro.alignment.methods.arms import Best, RewardModel, Trained, direct_arm, judge, reinforced_arm
from repro.alignment.methods.configurations import Effort, Fit, Settings
from repro.alignment.methods.flips import knowing, knowing_rewards, turned
from repro.alignment.methods.grouped import LOSSES, grouped_arm
from repro.alignment.methods.losses import reward_loss
from repro.alignment.methods.pairs import Pairs, draw_pairs
from repro.alignment.methods.relatives import relative
from repro.floor.arrays import Array
from repro.floor.measurement import Number, Numbers
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

STRANGER = 10_000  # what is added to a seed for the decoder that is not the reference


@dataclass(frozen=True)
class Ground:
    """What all methods of one seed share: every sentence, its gold reward, and the reference."""

    language: Language
    sentences_ST: Tensor
    gold_S: Tensor
    reference: Transformer

    def paid(self, reward_S: Tensor, tokens_BT: Tensor) -> Tensor:
        """(B,) the reward of each sentence."""
        return reward_S[sentence_numbers(tokens_BT, self.language.vocabulary)]

    def world(self, reward_S: Tensor) -> Worlds:
        """The language as one tabular world, under some reward."""
        return Worlds(reward_S.double().numpy()[None], self.listed(self.reference))

    def listed(self, policy: nn.Module) -> Array:
        """(1, S) log-probability of each sentence."""
        with torch.no_grad():
            return sentence_log_probs(policy, self.sentences_ST).double().numpy()[None]


@functools.lru_cache(maxsize=8)
def ground(language: Language, seed: int) -> Ground:
    """The world of a seed."""
    torch.manual_seed(seed)
    size = (language.vocabulary, language.length)
    shape = Decoder(
        vocabulary=language.vocabulary,
        width=language.width,
        layers=language.layers,
        heads=max(1, language.width // 16),
        context=language.length + 1,
    )
    reference = Transformer(shape).requires_grad_(False)
    return Ground(language, all_sentences(*size), planted_rewards(*size, seed), reference)


def trained(config: Listed, seed: int) -> Numbers:
    """The numbers of one trial."""
    here, budget = ground(config.language, seed), config.budget
    if config.method in ON_PAIRS:
        by = knowing(relative(config.method, config.language.length), config.corrected, config.flipped)
        fit = Fit(config.learning_rate, budget.fit_steps, budget.fit_batch, budget.fit_steps // budget.looks)
        arm = direct_arm(here.reference, *_pairs(Taught.by(config), seed), _strength(config), fit, seed=seed, by=by)
        return _weighed(config, here, here.listed(arm.policy), arm.best) | {"seconds": round(arm.seconds, 2)}
    if config.method == OPTIMUM:
        found = _learnt(Taught.by(config, (config.learning_rate,)), seed)
        world = here.world(_told(here, found))
        best = optimum(world.reward_WA, world.reference_WA, _strength(config))
        return _weighed(config, here, best, found.best) | {"seconds": round(found.seconds, 2)}
    reward_S, spent = here.gold_S, 0.0
    if config.method != "PPO, gold reward":
        found = _learnt(Taught.by(config, config.model_rates), seed)
        reward_S, spent = _told(here, found), found.seconds
    world = here.world(reward_S)
    arm = _reinforced(config, here, reward_S, world, seed)
    best = optimum(world.reward_WA, world.reference_WA, config.beta)
    return _weighed(config, here, here.listed(arm.policy), arm.best) | {
        "own": _share(here.listed(arm.policy), world, config.beta),
        "model_best": _share(best, here.world(here.gold_S), config.beta),
        "seconds": round(arm.seconds + spent, 2),
    }


def _reinforced(config: Listed, here: Ground, reward_S: Tensor, world: Worlds, seed: int) -> Trained:
    budget = config.budget
    settings = Settings(
        config.beta,
        config.language.length,
        config.learning_rate,
        budget.ppo_steps,
        budget.episodes,
        every=budget.ppo_steps // budget.looks,
    )
    paid = functools.partial(here.paid, reward_S)

    def starts(count: int, generator: torch.Generator) -> Tensor:
        return torch.zeros((count, 1), dtype=torch.long)

    def own_loss(policy: nn.Module) -> float:
        return float(lost_share(here.listed(policy), world, config.beta)[0])

    if config.method in LOSSES:
        return grouped_arm(here.reference, paid, settings, config.method, starts, own_loss, seed=seed)
    return reinforced_arm(here.reference, config.language.width, paid, settings, starts, own_loss, seed=seed)


def _weighed(config: Listed, here: Ground, policy_1S: Array, kept: Best) -> dict[str, Number | list[float]]:
    world = here.world(here.gold_S)
    star_1S = optimum(world.reward_WA, world.reference_WA, config.beta)
    return {
        "reached": _share(policy_1S, world, config.beta),
        "own": None,
        "model_best": None,
        "own_loss": float(min(kept.losses)),
        "step": kept.step,
        "losses": [float(f"{loss:.6g}") for loss in kept.losses],
        "kl": float(divergence(policy_1S, world.reference_WA)[0]),
        "to_star": float(total_variation(policy_1S, star_1S)[0]),
        "gain": _gain(policy_1S, world),
        "best_gain": _gain(optimum_at(float(divergence(policy_1S, world.reference_WA)[0]), world), world),
    }


def _gain(policy_1S: Array, world: Worlds) -> float:
    return float(((np.exp(policy_1S) - np.exp(world.reference_WA)) * world.reward_WA).sum())


def _share(policy_1S: Array, world: Worlds, beta: float) -> float:
    return 1 - float(lost_share(policy_1S, world, beta)[0])


def _strength(config: Listed) -> float:
    return config.beta if config.strength is None else config.strength


@dataclass(frozen=True)
class Taught:
    """What a reward model, or DPO's pairs, depend on of a configuration, so that arms may share them."""

    language: Language
    pairs: int
    drawn_by: str
    flipped: float
    corrected: str
    budget: Effort
    rates: tuple[float, ...] = ()

    @classmethod
    def by(cls, config: Listed, rates: tuple[float, ...] = ()) -> Taught:
        """Those of a configuration, and the learning rates from which a reward model chooses."""
        return cls(
            config.language, config.pairs, config.drawn_by, config.flipped, config.corrected, config.budget, rates
        )


def _pairs(taught: Taught, seed: int) -> tuple[Pairs, Pairs]:
    here, generator = ground(taught.language, seed), torch.Generator().manual_seed(seed)
    starts_N1, reward = torch.zeros((taught.pairs, 1), dtype=torch.long), functools.partial(here.paid, here.gold_S)
    stranger = taught.drawn_by != "reference"
    writer = ground(taught.language, seed + STRANGER).reference if stranger else here.reference
    drawn = draw_pairs(writer, starts_N1, reward, taught.language.length, generator)
    return turned(drawn, taught.flipped, seed).split()


@functools.lru_cache(maxsize=32)
def _learnt(taught: Taught, seed: int) -> RewardModel:
    """The best of a few reward models."""
    here, budget = ground(taught.language, seed), taught.budget
    fits = [Fit(rate, budget.fit_steps, budget.fit_batch, budget.fit_steps // budget.looks) for rate in taught.rates]
    by = knowing_rewards(reward_loss, taught.corrected, taught.flipped)
    return judge(here.reference, taught.language.width, *_pairs(taught, seed), fits, seed=seed, by=by)


def _told(here: Ground, found: RewardModel) -> Tensor:
    """(S,) what a reward model says of each sentence, its mean taken off."""
    with torch.no_grad():
        reward_S: Tensor = found.model(here.sentences_ST)[:, -1]
    return reward_S - reward_S.mean()
