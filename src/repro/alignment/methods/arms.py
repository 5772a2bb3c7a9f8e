"""The arms of a comparison: DPO, a reward model, and PPO, each trained from one reference and brought back at its best.

"Best" is by what the method itself can see, and gold is never asked: for DPO and a reward model the loss on held-out
pairs, for PPO its objective under the reward that it is given.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from repro.alignment.methods.configurations import Fit, Settings
from repro.alignment.methods.losses import reward_loss
from repro.alignment.methods.pairs import Pairs, RewardLoss, direct_loss, fit_direct, fit_reward, model_loss
from repro.alignment.methods.ppo import Readout, ppo
from repro.alignment.methods.relatives import PairLoss
from repro.floor.measurement import Number
from repro.instruments.turns import seconds_spent
from repro.models.adapters import add_adapters

Look = Callable[[nn.Module], None]  # is called with a module at each look at it
Prompts = Callable[[int, torch.Generator], Tensor]


class Best:
    """Looks at a module while it trains, and brings back the state in which its own loss was least.

    The untrained module is no candidate. Fields: `losses` of each look after it; `step` that of the least loss. `also`
    is called at each look, the untrained module's too, for whatever a record should know of it.
    """

    def __init__(self, module: nn.Module, own_loss: Callable[[], float], also: Look = lambda module: None) -> None:
        self.module, self.own_loss, self.also = module, own_loss, also
        self.losses: list[float] = []
        also(module)

    def __call__(self, step: int) -> None:
        """Look now."""
        loss = self.own_loss()
        if not self.losses or loss < min(self.losses):
            self.step, self.state = step, copy.deepcopy(self.module.state_dict())
        self.losses.append(loss)
        self.also(self.module)

    def restore(self) -> None:
        """Put the best state back into the module."""
        self.module.load_state_dict(self.state)


class Looks:
    """Numbers read from a policy at each look, the untrained one's first: a list for each name that `read` gives."""

    def __init__(self, read: Callable[[nn.Module], Mapping[str, Tensor]]) -> None:
        self.read = read
        self.lists: dict[str, list[float]] = {}

    @torch.no_grad()
    def __call__(self, policy: nn.Module) -> None:
        """Look now."""
        for name, number in self.read(policy).items():
            self.lists.setdefault(name, []).append(float(f"{float(number):.5g}"))

    def numbers(self, losses: Sequence[float]) -> dict[str, Number | list[float]]:
        """The lists, the policy's own losses from the second look on, the least of them, and the look that has it."""
        short = [float(f"{loss:.6g}") for loss in losses]
        return {**self.lists, "losses": short, "own_loss": min(short), "look": 1 + int(np.argmin(short))}


@dataclass(frozen=True)
class Trained:
    """A trained policy at its best, that best, and the `seconds_spent` of all steps, looks included."""

    policy: nn.Module
    best: Best
    seconds: float


@dataclass(frozen=True)
class RewardModel:
    """A trained reward model at its best, that best, its loss on held-out pairs, and the `seconds_spent` it took."""

    model: Readout
    best: Best
    loss: float
    seconds: float


def learner(reference: nn.Module, lora: int = 0) -> nn.Module:
    """A copy of the reference that learns, by adapters of some rank or whole; how, a reference may know itself."""
    own: Callable[[], nn.Module] | None = getattr(reference, "learner", None)
    if own:
        return own()
    twin = copy.deepcopy(reference)
    return add_adapters(twin, lora) if lora else twin.requires_grad_(True)


def direct_arm(
    reference: nn.Module,
    seen: Pairs,
    held_out: Pairs,
    loss: PairLoss,
    fit: Fit,
    *,
    seed: int,
    also: Look = lambda policy: None,
    lora: int = 0,
) -> Trained:
    """DPO, or a relative that learns from pairs alone."""
    torch.manual_seed(seed)  # adapters
    began, policy = seconds_spent(), learner(reference, lora)
    best = Best(policy, lambda: direct_loss(policy, reference, held_out, loss), also)
    fit_direct(policy, reference, seen, loss, fit, seed=seed, watch=best)
    best.restore()
    return Trained(policy, best, seconds_spent() - began)


def fit_reward_model(
    reference: nn.Module,
    width: int,
    seen: Pairs,
    held_out: Pairs,
    fits: Sequence[Fit],
    *,
    seed: int,
    loss: RewardLoss = reward_loss,
    lora: int = 0,
) -> RewardModel:
    """The reward model of least loss on held-out pairs among those that several fits give."""
    models = []
    for fit in fits:
        torch.manual_seed(seed)
        began, model = seconds_spent(), Readout(learner(reference, lora), width)
        best = Best(model, functools.partial(model_loss, model, held_out, loss))
        fit_reward(model, seen, fit, seed=seed, watch=best, loss=loss)
        best.restore()
        models.append(RewardModel(model, best, min(best.losses), seconds_spent() - began))
    return min(models, key=lambda fitted: fitted.loss)


def reinforced_arm(
    reference: nn.Module,
    width: int,
    reward: Callable[[Tensor], Tensor],
    settings: Settings,
    prompts: Prompts,
    own_loss: Callable[[nn.Module], float],
    *,
    seed: int,
    also: Look = lambda policy: None,
    lora: int = 0,
) -> Trained:
    """PPO, its value network started from the reference."""
    torch.manual_seed(seed)
    began, policy = seconds_spent(), learner(reference, lora)
    best = Best(policy, functools.partial(own_loss, policy), also)
    values = Readout(learner(reference, lora), width)
    ppo(policy, reference, values, reward, settings, prompts=prompts, seed=seed, watch=best)
    best.restore()
    return Trained(policy, best, seconds_spent() - began)
