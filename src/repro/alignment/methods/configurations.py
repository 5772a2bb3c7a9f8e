"""How long and how hard a method trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

METHODS = ("DPO", "PPO", "PPO, gold reward")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How long and how hard to learn from pairs, with a look at the model after every so many steps."""

    learning_rate: float
    steps: int
    batch: int = 64
    every: int = 50


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How PPO trains.

    beta: weight of the KL term. batch: sentences sampled per step. epochs: over each batch. clip: of the ratio.
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


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Batches of pairs that DPO and a reward model take, batches of sentences that PPO takes, and looks at each."""

    spelled: ClassVar = "Budget"
    fit_steps: int = 200
    fit_batch: int = 64
    ppo_steps: int = 100
    episodes: int = 64
    looks: int = 10

    def fit(self, learning_rate: float) -> Fit:
        """How DPO or a reward model trains at a learning rate."""
        every = max(1, self.fit_steps // self.looks)
        return Fit(learning_rate=learning_rate, steps=self.fit_steps, batch=self.fit_batch, every=every)

    def settings(self, learning_rate: float, *, beta: float, reply: int, end: int | None = None) -> Settings:
        """How PPO trains at a learning rate, towards replies of so many tokens."""
        every, steps = max(1, self.ppo_steps // self.looks), self.ppo_steps
        return Settings(
            beta=beta, reply=reply, learning_rate=learning_rate, steps=steps, batch=self.episodes, end=end, every=every
        )
