"""How long and how hard a method trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Fit:
    """How long and how hard to learn from pairs; `every` so many steps somebody looks."""

    learning_rate: float
    steps: int
    batch: int = 64
    every: int = 50


@dataclass(frozen=True)
class Settings:
    """How PPO trains.

    beta: weight of the KL term. batch: sentences sampled a step. epochs: over each batch. clip: of the ratio.
    trace: lambda of generalised advantages; 1 uses whole returns. reply: tokens of a reply. end: the token that ends
    one, where the language has such. every: steps between two looks at the policy.
    """

    beta: float
    reply: int
    learning_rate: float = 1e-3
    steps: int = 100
    batch: int = 256
    epochs: int = 4
    clip: float = 0.2
    trace: float = 0.95
    end: int | None = None
    every: int = 100


METHODS = ("DPO", "PPO", "PPO, gold reward")


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Batches of pairs that DPO and a reward model take, batches of sentences that PPO takes, and looks at each."""

    spelled: ClassVar = "Budget"
    fit_steps: int = 200
    fit_batch: int = 64
    ppo_steps: int = 100
    episodes: int = 64
    looks: int = 10
