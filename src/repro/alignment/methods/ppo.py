"""PPO for language models, small enough to read: value network, GAE, clip, and the KL term in the reward.

Legend: B sentences, T time with the prompt, R time of the reply, V vocabulary.

Source: Schulman et al. 2017 (arXiv:1707.06347); Ziegler et al. 2019 (arXiv:1909.08593), eq. 2; Ouyang et al. 2022
(arXiv:2203.02155), appendix C.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from repro.alignment.methods.configurations import Settings
from repro.alignment.methods.optimiser import steps_down
from repro.alignment.methods.replies import (
    Writer,
    divergence_at,
    log_probs_at,
    reply_mask,
    seeded_generator,
    word_log_probs,
)


class Readout(nn.Module):
    """A network with a head that reads one number after each token, zero at first.

    For PPO's value network the number is what is still to be earned; for a reward model, at the last token, the reward.
    """

    def __init__(self, trunk: nn.Module, width: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """(B, T) the number after each token."""
        return torch.as_tensor(self.head(self.trunk.hidden(tokens_BT)).squeeze(-1))  # type: ignore[operator]


def ppo(
    policy: nn.Module,
    reference: nn.Module,
    values: Readout,
    reward: Callable[[Tensor], Tensor],
    settings: Settings,
    *,
    prompts: Callable[[int, torch.Generator], Tensor],
    seed: int,
    watch: Callable[[int], None] = lambda step: None,
) -> None:
    """Train the policy in place.

    Args:
        reward: sentences (B, T) -> (B,), paid at the last token.
        prompts: (B, generator) -> (B, asked) tokens, drawn for each step.
        watch: is called every so many steps, with their number.
    """
    generator, write = seeded_generator(seed), Writer(settings.reply)
    learn = steps_down([policy, values], settings.learning_rate, functools.partial(ppo_loss, policy, values, settings))
    for step in range(1, settings.steps + 1):
        asked_BT = prompts(settings.batch, generator)
        asked = asked_BT.shape[1]
        tokens_BT = write(policy, asked_BT, generator)
        mask_BR = reply_mask(tokens_BT[:, asked:], settings.end)
        with torch.no_grad():
            theirs_BRV, old_BRV = (word_log_probs(model, tokens_BT, asked) for model in (reference, policy))
            old_BR = log_probs_at(old_BRV, tokens_BT)
            paid_BR = -settings.beta * divergence_at(old_BRV, theirs_BRV) * mask_BR
            last_B = mask_BR.sum(dim=1).long() - 1
            paid_BR[torch.arange(len(paid_BR)), last_B] += reward(tokens_BT)
            value_BR = values(tokens_BT[:, :-1])[:, asked - 1 :] * mask_BR
            advantage_BR, return_BR = advantages(paid_BR, value_BR, settings.trace)
            scale = advantage_BR[mask_BR > 0].std() + 1e-8
            advantage_BR = (advantage_BR - advantage_BR[mask_BR > 0].mean()) / scale
        for _ in range(settings.epochs):
            learn(tokens_BT, mask_BR, old_BR, theirs_BRV, advantage_BR, return_BR, scale)
        if step % settings.every == 0:
            watch(step)


def ppo_loss(
    policy: nn.Module,
    values: Readout,
    settings: Settings,
    tokens_BT: Tensor,
    mask_BR: Tensor,
    old_BR: Tensor,
    theirs_BRV: Tensor,
    advantage_BR: Tensor,
    return_BR: Tensor,
    scale: Tensor,
) -> Tensor:
    """PPO's loss of one epoch over a batch: of the policy, of the value network, and the slope of the KL term.

    Args:
        old_BR, theirs_BRV: log-probabilities, of each token when it was drawn, of every word by the reference.
        scale: what the advantages were divided by.
    """
    asked = tokens_BT.shape[1] - mask_BR.shape[1]
    mine_BRV = word_log_probs(policy, tokens_BT, asked)
    gained_BR = clipped_gain(log_probs_at(mine_BRV, tokens_BT) - old_BR, advantage_BR, settings.clip)
    error_BR = (values(tokens_BT[:, :-1])[:, asked - 1 :] - return_BR) ** 2
    # Paid at its own token the exact KL is the same for all words, a baseline: it pays earlier words alone. Its
    # slope at this token is therefore added, on the scale of the advantages, or beta would not be beta.
    drift_BR = settings.beta / scale * divergence_at(mine_BRV, theirs_BRV)
    return torch.as_tensor(((drift_BR - gained_BR + 0.5 * error_BR) * mask_BR).sum() / mask_BR.sum())


def advantages(paid_BR: Tensor, value_BR: Tensor, trace: float) -> tuple[Tensor, Tensor]:
    """(B, R) generalised advantages and the returns that values learn, without discount.

    Source: Schulman et al. 2015 (arXiv:1506.02438), eq. 16.
    """
    after_BR = torch.cat([value_BR[:, 1:], torch.zeros_like(value_BR[:, :1])], dim=1)
    surprise_BR = paid_BR + after_BR - value_BR
    advantage_BR = torch.zeros_like(surprise_BR)
    running_B = torch.zeros_like(surprise_BR[:, 0])
    for place in reversed(range(surprise_BR.shape[1])):
        running_B = surprise_BR[:, place] + trace * running_B
        advantage_BR[:, place] = running_B
    return advantage_BR, advantage_BR + value_BR


def clipped_gain(log_ratio_BR: Tensor, advantage_BR: Tensor, clip: float) -> Tensor:
    """(B, R) the smaller of ratio times advantage and clipped ratio times advantage."""
    ratio_BR = log_ratio_BR.exp()
    return torch.minimum(ratio_BR * advantage_BR, ratio_BR.clamp(1 - clip, 1 + clip) * advantage_BR)
