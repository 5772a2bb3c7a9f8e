"""Planted scores: worlds in which it is known whether an ability, or the metric alone, grows abruptly.

Legend: C floating-point operations, L tokens of an answer, p the probability of a right token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from repro.floor.arrays import Array

WORLDS = ("mirage", "smooth", "abrupt")
ANSWER = 20  # tokens of the mirage's answer; one in the other worlds
FALL = 0.2  # exponent of the loss per token against C where it falls smoothly
FIRST_DECADE, DECADES = 19.0, 3.0
STEEPNESS = 8.0  # of the abrupt fall, per decade of C


@dataclass(frozen=True, kw_only=True)
class PlantedScores:
    """Tasks on which models of growing compute are scored, by accuracy and by log-likelihood per token.

    Fields: `world` mirage (the loss falls smoothly and the answer is long), smooth (likewise, one token) or abrupt (the
    loss itself falls at once); `items` of a task, of which accuracy counts the right ones; `noise` relative deviation
    of the loss.

    Raises:
        ValueError: there is no such world.
    """

    world: str
    tasks: int = 13
    runs: int = 30
    items: int = 1000
    noise: float = 0.01

    def __post_init__(self) -> None:
        if self.world not in WORLDS:
            raise ValueError(f"world is {self.world!r}; expected one of {', '.join(WORLDS)}")


def plant_scores(planted: PlantedScores, metric: str, seed: int) -> pd.DataFrame:
    """A row a run by rising log10 C (the index), a column a task; both metrics of a seed see the same models.

    Raises:
        ValueError: the metric is neither accuracy nor log-likelihood.
    """
    if metric not in ("accuracy", "log-likelihood"):
        raise ValueError(f"metric is {metric!r}; planted scores are by accuracy or by log-likelihood")
    generator = np.random.default_rng(seed)
    x = np.linspace(FIRST_DECADE, FIRST_DECADE + DECADES, planted.runs)
    noise = generator.normal(scale=planted.noise, size=(planted.runs, planted.tasks))
    first = generator.uniform(0.45, 0.55, planted.tasks)
    loss = first * _fall(x, planted.world)[:, None] * np.exp(noise)
    right = np.exp(-loss * (ANSWER if planted.world == "mirage" else 1))
    scores = generator.binomial(planted.items, right) / planted.items if metric == "accuracy" else -loss
    return pd.DataFrame(scores, index=x, columns=[f"task {number}" for number in range(planted.tasks)])


def _fall(x: Array, world: str) -> Array:
    """The loss per token over that of the least compute."""
    if world == "abrupt":
        middle = FIRST_DECADE + 0.75 * DECADES
        return np.asarray(1 - 0.9 / (1 + np.exp(-STEEPNESS * (x - middle))))
    return np.asarray(10 ** (-FALL * (x - FIRST_DECADE)))
