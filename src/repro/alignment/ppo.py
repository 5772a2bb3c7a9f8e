"""PPO for language models, small enough to read: value network, GAE, clip, and the KL term in the reward.

Legend: B sentences, T time, V vocabulary.

Source: Schulman et al. 2017 (arXiv:1707.06347); Ziegler et al. 2019 (arXiv:1909.08593), eq. 2; Ouyang et al. 2022
(arXiv:2203.02155), appendix C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.alignment.enumerable import sampled, token_log_probs
from repro.models.transformer import Transformer


@dataclass(frozen=True)
class Settings:
    """How PPO trains.

    beta: weight of the KL term. batch: sentences sampled a step. epochs: over each batch. clip: of the ratio.
    trace: lambda of generalised advantages; 1 uses whole returns.
    """

    beta: float
    learning_rate: float = 1e-3
    steps: int = 100
    batch: int = 256
    epochs: int = 4
    clip: float = 0.2
    trace: float = 0.95


class Values(nn.Module):
    """What is still to be earned after each token: a decoder's stream, read by one row of weights."""

    def __init__(self, trunk: Transformer) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.shape.width, 1)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """(B, T) values."""
        return torch.as_tensor(self.head(self.trunk.hidden(tokens_BT)).squeeze(-1))


def ppo(
    policy: Transformer,
    reference: Transformer,
    values: Values,
    reward: Callable[[Tensor], Tensor],
    settings: Settings,
    *,
    vocabulary: int,
    length: int,
    seed: int,
) -> None:
    """Train the policy in place.

    Args:
        reward: sentences (B, T + 1) -> (B,), paid at the last token.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam([*policy.parameters(), *values.parameters()], lr=settings.learning_rate)
    for _ in range(settings.steps):
        with torch.no_grad():
            tokens_BT = sampled(policy, settings.batch, vocabulary, length, generator)
            old_BT = _taken(policy, tokens_BT)
            paid_BT = -settings.beta * token_divergence(policy, reference, tokens_BT)
            paid_BT[:, -1] += reward(tokens_BT)
            advantage_BT, return_BT = advantages(paid_BT, values(tokens_BT[:, :-1]), settings.trace)
            scale = advantage_BT.std() + 1e-8
            advantage_BT = (advantage_BT - advantage_BT.mean()) / scale
        for _ in range(settings.epochs):
            loss = clipped_loss(_taken(policy, tokens_BT) - old_BT, advantage_BT, settings.clip)
            error = F.mse_loss(values(tokens_BT[:, :-1]), return_BT)
            # Paid at its own token the exact KL is the same for all words, a baseline: it pays earlier words alone. Its
            # slope at this token is therefore added, on the scale of the advantages, or beta would not be beta.
            drift = settings.beta / scale * token_divergence(policy, reference, tokens_BT).mean()
            optimiser.zero_grad()
            (loss + drift + 0.5 * error).backward()
            optimiser.step()


def token_divergence(policy: Transformer, reference: Transformer, tokens_BT: Tensor) -> Tensor:
    """(B, T) KL(policy || reference) of the next word at each place: over all words, not at the drawn one."""
    mine_BTV, theirs_BTV = token_log_probs(policy, tokens_BT), token_log_probs(reference, tokens_BT)
    return (mine_BTV.exp() * (mine_BTV - theirs_BTV)).sum(dim=-1)


def advantages(paid_BT: Tensor, value_BT: Tensor, trace: float) -> tuple[Tensor, Tensor]:
    """(B, T) generalised advantages and the returns that values learn, without discount.

    Source: Schulman et al. 2015 (arXiv:1506.02438), eq. 16.
    """
    after_BT = torch.cat([value_BT[:, 1:], torch.zeros_like(value_BT[:, :1])], dim=1)
    surprise_BT = paid_BT + after_BT - value_BT
    advantage_BT = torch.zeros_like(surprise_BT)
    running_B = torch.zeros_like(surprise_BT[:, 0])
    for place in reversed(range(surprise_BT.shape[1])):
        running_B = surprise_BT[:, place] + trace * running_B
        advantage_BT[:, place] = running_B
    return advantage_BT, advantage_BT + value_BT


def clipped_loss(log_ratio_BT: Tensor, advantage_BT: Tensor, clip: float) -> Tensor:
    """Minus the mean of the smaller of ratio times advantage and clipped ratio times advantage."""
    ratio_BT = log_ratio_BT.exp()
    return -torch.minimum(ratio_BT * advantage_BT, ratio_BT.clamp(1 - clip, 1 + clip) * advantage_BT).mean()


def _taken(policy: Transformer, tokens_BT: Tensor) -> Tensor:
    return token_log_probs(policy, tokens_BT).gather(2, tokens_BT[:, 1:, None]).squeeze(2)
