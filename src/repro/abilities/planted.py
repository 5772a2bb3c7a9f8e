"""Planted models: worlds in which it is known what makes a score jump, and what decides the answers.

Legend: C floating-point operations, N parameters.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from repro.abilities.configurations import PlantedAnswers, PlantedScores
from repro.floor.arrays import Array

ANSWER = 20  # tokens of the mirage's answer; one in the other worlds
FALL = 0.2  # exponent of the loss per token against C where it falls smoothly
FIRST_DECADE, DECADES = 19.0, 3.0
STEEPNESS = 8.0  # of the abrupt fall, per decade of C
MOVED = 0.3  # of the gain above chance, by ten times the parameters or by another text, in the worlds so named


def plant_scores(planted: PlantedScores, metric: str, seed: int) -> pd.DataFrame:
    """Scores by rising log10 C (the index), a column per task; both metrics of a seed see the same models.

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


def plant_answers(planted: PlantedAnswers, seed: int) -> pd.DataFrame:
    """The models, a row per model: text, N, loss, then its share of right answers in each task."""
    generator = np.random.default_rng(seed)
    N = 10 ** generator.uniform(7, 10, planted.models)
    texts = np.arange(planted.models) % 2
    loss = 1.9 + (N / 1e8) ** -0.15 * 10 ** generator.normal(0, 0.1, planted.models)
    gain = np.exp(-1.5 * (loss - 2.0))
    if planted.world == "unrelated":
        gain = generator.permutation(gain)
    gain *= 1 + MOVED * {"size": np.log10(N / 10**8.5), "text": texts}.get(planted.world, np.zeros(1))
    chance = generator.uniform(0.0, 0.5, planted.tasks)
    right = np.clip(chance + generator.uniform(0.2, 0.4, planted.tasks) * gain[:, None], 0, 1)
    scores = pd.DataFrame(generator.binomial(planted.items, right) / planted.items).add_prefix("task ")
    return pd.concat([pd.DataFrame({"text": np.where(texts, "B", "A"), "N": N, "loss": loss}), scores], axis=1)
