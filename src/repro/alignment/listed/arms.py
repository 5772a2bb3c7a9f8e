"""The arms on a listed language: trained, and weighed by sums over all sentences.

Legend: S sentences, T time with the start, B batch.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from repro.alignment.exact.tabular import Worlds, divergence, lost_share, optimum, optimum_at, total_variation
from repro.alignment.listed.configurations import Language, Listed
from repro.alignment.listed.sentences import all_sentences, planted_rewards, sentence_log_probs, sentence_numbers
from repro.alignment.methods.arms import Best, RewardModel, Trained, direct_arm, fit_reward_model, reinforced_arm
from repro.alignment.methods.configurations import Effort
from repro.alignment.methods.flips import corrected_pair_loss, corrected_reward_loss, flip_labels
from repro.alignment.methods.grouped import LOSSES, grouped_arm
from repro.alignment.methods.losses import reward_loss
from repro.alignment.methods.pairs import Pairs, draw_pairs
from repro.alignment.methods.relatives import pair_loss
from repro.floor.arrays import Array
from repro.floor.measurement import Number, Numbers
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

STRANGER = 10_000  # what is added to a seed for the decoder that is not the reference


@dataclass(frozen=True)
class Ground:
    """The ground that all methods of a seed share: every sentence, its gold reward, and the reference."""

    language: Language
    sentences_ST: Tensor
    gold_S: Tensor
    reference: Transformer

    def paid(self, reward_S: Tensor, tokens_BT: Tensor) -> Tensor:
        """(B,) the reward of each sentence."""
        return reward_S[sentence_numbers(tokens_BT, self.language.vocabulary)]

    def world(self, reward_S: Tensor) -> Worlds:
        """The language as one tabular world, under some reward."""
        return Worlds(reward_S.double().numpy()[None], self.log_probs(self.reference))

    def log_probs(self, policy: nn.Module) -> Array:
        """(1, S) log-probability of each sentence."""
        with torch.no_grad():
            return sentence_log_probs(policy, self.sentences_ST).double().numpy()[None]


@functools.lru_cache(maxsize=8)
def ground(language: Language, seed: int) -> Ground:
    """The ground of a seed, its reference a random decoder."""
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


def arm_on_pairs(config: Listed, seed: int) -> Numbers:
    """DPO or a relative, which learns from pairs alone."""
    here = ground(config.language, seed)
    loss = pair_loss(config.method, _strength(config), config.language.length)
    loss = corrected_pair_loss(loss, config.corrected, config.flipped)
    seen, held_out = _pairs(Taught.by(config), seed)
    arm = direct_arm(here.reference, seen, held_out, loss, config.budget.fit(config.learning_rate), seed=seed)
    return _weighed(config, here, here.log_probs(arm.policy), arm.best) | {"seconds": round(arm.seconds, 2)}


def optimum_for_model(config: Listed, seed: int) -> Numbers:
    """The exact optimum for the reward model of one learning rate."""
    here = ground(config.language, seed)
    model = _reward_model(Taught.by(config, (config.learning_rate,)), seed)
    world = here.world(_model_rewards(here, model))
    policy_1S = optimum(world.reward_WA, world.reference_WA, _strength(config))
    return _weighed(config, here, policy_1S, model.best) | {"seconds": round(model.seconds, 2)}


def arm_on_reward(config: Listed, seed: int) -> Numbers:
    """PPO, RLOO or GRPO on the reward model that the held-out pairs choose, or PPO on gold."""
    here = ground(config.language, seed)
    reward_S, model_seconds = here.gold_S, 0.0
    if config.method != "PPO, gold reward":
        model = _reward_model(Taught.by(config, config.model_rates), seed)
        reward_S, model_seconds = _model_rewards(here, model), model.seconds
    world = here.world(reward_S)
    arm = _reinforced(config, here, reward_S, world, seed)
    policy_1S, best_1S = here.log_probs(arm.policy), optimum(world.reward_WA, world.reference_WA, config.beta)
    return _weighed(config, here, policy_1S, arm.best) | {
        "own": _share(policy_1S, world, config.beta),
        "model_best": _share(best_1S, here.world(here.gold_S), config.beta),
        "seconds": round(arm.seconds + model_seconds, 2),
    }


def _reinforced(config: Listed, here: Ground, reward_S: Tensor, world: Worlds, seed: int) -> Trained:
    settings = config.budget.settings(config.learning_rate, beta=_strength(config), reply=config.language.length)
    paid = functools.partial(here.paid, reward_S)

    def starts(count: int, generator: torch.Generator) -> Tensor:
        return torch.zeros((count, 1), dtype=torch.long)

    def own_loss(policy: nn.Module) -> float:
        return float(lost_share(here.log_probs(policy), world, config.beta)[0])

    if config.method in LOSSES:
        return grouped_arm(here.reference, paid, settings, config.method, starts, own_loss, seed=seed)
    return reinforced_arm(here.reference, config.language.width, paid, settings, starts, own_loss, seed=seed)


def _weighed(config: Listed, here: Ground, policy_1S: Array, best: Best) -> dict[str, Number | list[float]]:
    world = here.world(here.gold_S)
    star_1S = optimum(world.reward_WA, world.reference_WA, config.beta)
    return {
        "reached": _share(policy_1S, world, config.beta),
        "own": None,
        "model_best": None,
        "own_loss": float(min(best.losses)),
        "step": best.step,
        "losses": [float(f"{loss:.6g}") for loss in best.losses],
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
    """The part of a configuration on which a reward model, or DPO's pairs, depend, so that arms may share them."""

    language: Language
    pairs: int
    drawn_by: str
    flipped: float
    corrected: str
    budget: Effort
    rates: tuple[float, ...] = ()

    @classmethod
    def by(cls, config: Listed, rates: tuple[float, ...] = ()) -> Taught:
        """That of a configuration, with the learning rates from which a reward model chooses."""
        return cls(
            config.language, config.pairs, config.drawn_by, config.flipped, config.corrected, config.budget, rates
        )


def _pairs(taught: Taught, seed: int) -> tuple[Pairs, Pairs]:
    """Labelled pairs to train on, and held out."""
    here, generator = ground(taught.language, seed), torch.Generator().manual_seed(seed)
    starts_N1, reward = torch.zeros((taught.pairs, 1), dtype=torch.long), functools.partial(here.paid, here.gold_S)
    stranger = taught.drawn_by != "reference"
    writer = ground(taught.language, seed + STRANGER).reference if stranger else here.reference
    pairs = draw_pairs(writer, starts_N1, reward, taught.language.length, generator)
    return flip_labels(pairs, taught.flipped, seed).split()


@functools.lru_cache(maxsize=32)
def _reward_model(taught: Taught, seed: int) -> RewardModel:
    """The best of the reward models of several learning rates."""
    fits = [taught.budget.fit(rate) for rate in taught.rates]
    loss = corrected_reward_loss(reward_loss, taught.corrected, taught.flipped)
    reference, (seen, held_out) = ground(taught.language, seed).reference, _pairs(taught, seed)
    return fit_reward_model(reference, taught.language.width, seen, held_out, fits, seed=seed, loss=loss)


def _model_rewards(here: Ground, model: RewardModel) -> Tensor:
    """(S,) the reward model's reward of each sentence, minus their mean."""
    with torch.no_grad():
        reward_S: Tensor = model.model(here.sentences_ST)[:, -1]
    return reward_S - reward_S.mean()
