"""What it costs to serve two aims at once, where the best policy for any mixture of their rewards is known.

Legend: W worlds, A answers; shares of what a policy for one aim alone would gain of it at the same KL.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from repro.alignment.exact.tabular import Worlds, optimum_at
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement

GRADED, YES_OR_NO = "graded", "yes or no"
UNSAFE = 0.1  # share of the answers that a yes-or-no safety forbids
WEIGHTS = tuple(round(number, 2) for number in np.linspace(0, 1, 11).tolist())
HALVINGS = 20


@dataclass(frozen=True, kw_only=True)
class TwoAims:
    """One prompt, many answers, and two rewards of each: helpful and safe.

    Fields: `correlation` of the two over answers; `safety` graded, a normal number as helpfulness is, or yes or no,
    1 but for the tenth of answers where that number is least; `kl` nats from the reference, what every policy has.

    Raises:
        ValueError: no correlation, or no such safety.
    """

    correlation: float
    safety: str = GRADED
    kl: float = 1.0
    answers: int = 400
    worlds: int = 20

    def __post_init__(self) -> None:
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"correlation is {self.correlation}; expected -1 to 1")
        if self.safety not in (GRADED, YES_OR_NO):
            raise ValueError(f"safety is {self.safety!r}; expected {GRADED} or {YES_OR_NO}")


@measurement(version=1)
def two_aims(config: TwoAims, seed: int) -> Numbers:
    """Shares that the best policies for mixtures of two rewards gain of each, all at one KL from the reference.

    `weights` of helpfulness in the mixture, `helpful` and `safe` the shares there, means over worlds; `cost` in each
    world what is lost of both where both shares are equal. For graded rewards and many answers it tends to
    1 - sqrt((1 + correlation) / 2) as KL goes to 0: the gain is a step of one length in the direction of the mixture.
    """
    curves, costs = [], []
    for reward_2A, reference_1A in _worlds(config, seed):
        gains = functools.partial(_gains, reward_2A, reference_1A, config.kl)
        most_2 = np.array([gains(1.0)[0], gains(0.0)[1]])
        curves.append([gains(weight) / most_2 for weight in WEIGHTS])
        costs.append(1 - _balanced(gains, most_2))
    helpful, safe = np.mean(curves, axis=0).T
    return {"weights": list(WEIGHTS), "helpful": helpful.tolist(), "safe": safe.tolist(), "cost": costs}


def _worlds(config: TwoAims, seed: int) -> list[tuple[Array, Array]]:
    """(2, A) rewards of spread 1, helpfulness first, and the (1, A) reference, of each world."""
    rng, worlds = np.random.default_rng([seed, 13]), []
    for _ in range(config.worlds):
        helpful_A, other_A, logits_A = rng.standard_normal((3, config.answers))
        safe_A = config.correlation * helpful_A + np.sqrt(1 - config.correlation**2) * other_A
        if config.safety == YES_OR_NO:
            safe_A = (safe_A > np.quantile(safe_A, UNSAFE)).astype(float)
        worlds.append((np.stack([helpful_A, safe_A / safe_A.std()]), scipy.special.log_softmax(logits_A)[None]))
    return worlds


def _gains(reward_2A: Array, reference_1A: Array, kl: float, weight: float) -> Array:
    """(2,) what the best policy for a mixture, with so much weight on the first reward, gains of each."""
    mixed_1A = (weight * reward_2A[0] + (1 - weight) * reward_2A[1])[None]
    policy_1A = optimum_at(kl, Worlds(mixed_1A, reference_1A))
    return np.asarray(reward_2A @ (np.exp(policy_1A) - np.exp(reference_1A))[0])


def _balanced(gains: Callable[[float], Array], most_2: Array) -> float:
    """The lesser share at the weight where both are equal; the first never falls as its weight grows."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        first, second = gains(middle) / most_2
        low, high = (middle, high) if first < second else (low, middle)
    return float(min(first, second))
