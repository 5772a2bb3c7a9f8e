"""Whose labels teach what is wanted: people's, or those of a machine that errs at random or has a taste of its own.

Legend: A answers, K features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from repro.alignment.exact.comparisons import reward_model
from repro.alignment.exact.tabular import Worlds, optimum_at, pair_wins, preference, sampled_wins
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Comparisons of answers to one prompt, from which a reward model learns.

    Fields: `pairs` that are labelled; `flipped` share of labels turned round at random; `taste` of the labeller, the
    spread over answers of what it adds to the gold reward; `features` of which rewards are sums; `kl` nats from the
    reference, of the policy that is made of the reward model.

    Raises:
        ValueError: no share of flips below a half, or fewer pairs than features.
    """

    pairs: int
    flipped: float = 0.0
    taste: float = 0.0
    kl: float = 1.0
    answers: int = 200
    features: int = 16
    worlds: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.flipped < 0.5:
            raise ValueError(f"flipped is {self.flipped}; expected 0 or more, and less than a half")
        if self.pairs <= self.features:
            raise ValueError(f"{self.pairs} pairs cannot tell {self.features} features; give more")


@measurement(version=1)
def labelled_by(config: Labels, seed: int) -> Numbers:
    """In each world the `share` of the attainable gold gain at one KL that the best policy for the reward model has.

    People and machines compare as Bradley and Terry have it, people by the gold reward. The reward model has the
    features of the rewards, so that labels without end would teach it all that they hold. The seed draws the worlds,
    the same for all kinds of labels.
    """
    return {"share": [_share(config, np.random.default_rng([seed, 17, world])) for world in range(config.worlds)]}


def _share(config: Labels, rng: np.random.Generator) -> float:
    features_AK = rng.standard_normal((config.answers, config.features))
    gold_A, taste_A = (_spread_one(features_AK @ rng.standard_normal(config.features)) for _ in range(2))
    reference_1A = scipy.special.log_softmax(rng.standard_normal(config.answers))[None]
    prefers_AA = preference(gold_A + config.taste * taste_A)
    labels_AA = (1 - config.flipped) * prefers_AA + config.flipped * prefers_AA.T
    drawn_A = np.full(config.answers, 1 / config.answers)
    model_A = reward_model(sampled_wins(pair_wins(labels_AA, drawn_A), config.pairs, rng), features_AK)
    gains = [_gain(reward_A, gold_A, reference_1A, config.kl) for reward_A in (model_A, gold_A)]
    return gains[0] / gains[1]


def _gain(reward_A: Array, gold_A: Array, reference_1A: Array, kl: float) -> float:
    policy_1A = optimum_at(kl, Worlds(reward_A[None], reference_1A))
    return float(((np.exp(policy_1A) - np.exp(reference_1A)) @ gold_A)[0])


def _spread_one(reward_A: Array) -> Array:
    return np.asarray((reward_A - reward_A.mean()) / reward_A.std())
