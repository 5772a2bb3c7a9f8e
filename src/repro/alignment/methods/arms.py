"""The arms of a comparison: DPO, a reward model, and PPO, each trained from one reference and kept at its best.

"Best" is by what the method itself can see, and gold is never asked: for DPO and a reward model the loss on held-out
pairs, for PPO its objective under the reward that it is given.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from repro.alignment.methods.adapters import with_adapters
from repro.alignment.methods.configurations import Fit, Settings
from repro.alignment.methods.losses import reward_loss
from repro.alignment.methods.pairs import Pairs, RewardLoss, direct_loss, fit_direct, fit_reward, model_loss
from repro.alignment.methods.ppo import Readout, ppo
from repro.alignment.methods.relatives import PairLoss, dpo

Look = Callable[[int], None]
Also = Callable[[nn.Module], Look]  # a policy -> what is called at each look
Prompts = Callable[[int, torch.Generator], Tensor]


class Best:
    """Looks at a module while it trains, and brings back the state in which its own loss was least.

    The untrained module is no candidate. Fields: `losses` of each look after it; `step` that of the least loss. `also`
    is called at each look, the untrained module's too, for whatever a record should know of it.
    """

    def __init__(self, module: nn.Module, own_loss: Callable[[], float], also: Look = lambda step: None) -> None:
        self.module, self.own_loss, self.also = module, own_loss, also
        self.losses: list[float] = []
        also(0)

    def __call__(self, step: int) -> None:
        """Look now."""
        loss = self.own_loss()
        if not self.losses or loss < min(self.losses):
            self.step, self.state = step, copy.deepcopy(self.module.state_dict())
        self.losses.append(loss)
        self.also(step)

    def restore(self) -> None:
        """Put the best state back into the module."""
        self.module.load_state_dict(self.state)


@dataclass(frozen=True)
class Trained:
    """A trained policy at its best, that best, and the CPU seconds of all steps, looks included."""

    policy: nn.Module
    best: Best
    seconds: float


@dataclass(frozen=True)
class RewardModel:
    """A trained reward model at its best, that best, its loss on held-out pairs, and the CPU seconds it took."""

    model: Readout
    best: Best
    loss: float
    seconds: float


def unwatched(policy: nn.Module) -> Look:
    """Nothing more to know at a look."""
    return lambda step: None


def learner(reference: nn.Module, lora: int = 0) -> nn.Module:
    """A copy of the reference that learns, by adapters of some rank or whole; how, a reference may know itself."""
    own: Callable[[], nn.Module] | None = getattr(reference, "learner", None)
    if own:
        return own()
    twin = copy.deepcopy(reference)
    return with_adapters(twin, lora) if lora else twin.requires_grad_(True)


def direct_arm(
    reference: nn.Module,
    seen: Pairs,
    held: Pairs,
    beta: float,
    fit: Fit,
    *,
    seed: int,
    also: Also = unwatched,
    by: PairLoss = dpo,
    lora: int = 0,
) -> Trained:
    """DPO, or a relative that learns from pairs alone."""
    began, policy = time.process_time(), learner(reference, lora)
    best = Best(policy, lambda: direct_loss(policy, reference, held, beta, by), also(policy))
    fit_direct(policy, reference, seen, beta, fit, seed=seed, watch=best, by=by)
    best.restore()
    return Trained(policy, best, time.process_time() - began)


def judge(
    reference: nn.Module,
    width: int,
    seen: Pairs,
    held: Pairs,
    fits: Sequence[Fit],
    *,
    seed: int,
    by: RewardLoss = reward_loss,
    lora: int = 0,
) -> RewardModel:
    """The reward model of least loss on held-out pairs among those that several fits give."""
    found = []
    for fit in fits:
        torch.manual_seed(seed)
        began, model = time.process_time(), Readout(learner(reference, lora), width)
        best = Best(model, functools.partial(model_loss, model, held, by))
        fit_reward(model, seen, fit, seed=seed, watch=best, by=by)
        best.restore()
        found.append(RewardModel(model, best, min(best.losses), time.process_time() - began))
    return min(found, key=lambda one: one.loss)


def reinforced_arm(
    reference: nn.Module,
    width: int,
    reward: Callable[[Tensor], Tensor],
    settings: Settings,
    prompts: Prompts,
    own_loss: Callable[[nn.Module], float],
    *,
    seed: int,
    also: Also = unwatched,
    lora: int = 0,
) -> Trained:
    """PPO, its value network started from the reference."""
    torch.manual_seed(seed)
    began, policy = time.process_time(), learner(reference, lora)
    best = Best(policy, functools.partial(own_loss, policy), also(policy))
    values = Readout(learner(reference, lora), width)
    ppo(policy, reference, values, reward, settings, prompts=prompts, seed=seed, watch=best)
    best.restore()
    return Trained(policy, best, time.process_time() - began)
