"""Preference pairs, and the two ways to learn from them: a reward model, or DPO.

Legend: N pairs, B of a batch, T time with the prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from repro.alignment.methods.configurations import Fit
from repro.alignment.methods.losses import reply_log_probs, reward_loss
from repro.alignment.methods.ppo import Readout
from repro.alignment.methods.relatives import PairLoss, dpo
from repro.alignment.methods.replies import Descent, Model, sampled, seeded

RewardLoss = Callable[[Tensor, Tensor], Tensor]  # of rewards that won and that lost
HELD_OUT = 0.2  # share of pairs that no step sees, by which checkpoints and learning rates are chosen


@dataclass(frozen=True)
class Pairs:
    """Sentences that won and that lost, (N, T) each and padded on the right, and masks: 1 at the tokens of a reply."""

    chosen: Tensor
    rejected: Tensor
    chosen_mask: Tensor
    rejected_mask: Tensor

    def __len__(self) -> int:
        return len(self.chosen)

    def at(self, index_B: Tensor | slice) -> Pairs:
        """The pairs at these places."""
        return Pairs(*(part[index_B] for part in (self.chosen, self.rejected, self.chosen_mask, self.rejected_mask)))

    def joined(self) -> tuple[Tensor, Tensor]:
        """(2N, T) all sentences, those that won first, and their masks: one pass is cheaper than two."""
        return torch.cat([self.chosen, self.rejected]), torch.cat([self.chosen_mask, self.rejected_mask])

    def split(self) -> tuple[Pairs, Pairs]:
        """Those to train on, and the last fifth, held out."""
        cut = len(self) - max(1, round(HELD_OUT * len(self)))
        return self.at(slice(0, cut)), self.at(slice(cut, None))


def draw_pairs(
    model: Model, prompts_NT: Tensor, reward: Callable[[Tensor], Tensor], length: int, generator: torch.Generator
) -> Pairs:
    """Two replies to each prompt; the first wins with probability sigma of its reward minus the other's."""
    one_NT, other_NT = (sampled(model, prompts_NT, length, generator) for _ in range(2))
    chance_N = torch.sigmoid(reward(one_NT) - reward(other_NT))
    wins_N1 = (torch.rand(len(chance_N), generator=generator) < chance_N)[:, None]
    mask_NT = torch.ones_like(one_NT)
    mask_NT[:, : prompts_NT.shape[1]] = 0
    return Pairs(torch.where(wins_N1, one_NT, other_NT), torch.where(wins_N1, other_NT, one_NT), mask_NT, mask_NT)


def log_probs_of(model: Model, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """(N,) log-probability of each reply that won, and of each that lost."""
    both = reply_log_probs(model, *pairs.joined())
    return both[: len(pairs)], both[len(pairs) :]


def rewards_of(model: Readout, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """(N,) reward of each reply that won, and of each that lost."""
    both = last_reward(model, *pairs.joined())
    return both[: len(pairs)], both[len(pairs) :]


def last_reward(model: Readout, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """(B,) what a reward model reads at the last token of the reply."""
    last_B = mask_BT.shape[1] - 1 - mask_BT.flip(1).argmax(dim=1)
    rewards_B: Tensor = model(tokens_BT)[torch.arange(len(tokens_BT)), last_B]
    return rewards_B


def fit_direct(
    policy: nn.Module,
    reference: Model,
    pairs: Pairs,
    beta: float,
    fit: Fit,
    *,
    seed: int,
    watch: Callable[[int], None],
    by: PairLoss = dpo,
) -> None:
    """Train the policy in place by DPO or a relative; the reference is read once, beforehand.

    Source: Rafailov et al. 2023 (arXiv:2305.18290), eq. 7.
    """
    with torch.no_grad():
        theirs = [
            torch.cat(part) for part in zip(*(log_probs_of(reference, one) for one in _parts(pairs)), strict=True)
        ]

    def loss(index_B: Tensor) -> Tensor:
        return by(log_probs_of(policy, pairs.at(index_B)), (theirs[0][index_B], theirs[1][index_B]), beta)

    _descend(policy, loss, len(pairs), fit, seed, watch)


def direct_loss(policy: Model, reference: Model, pairs: Pairs, beta: float, by: PairLoss = dpo) -> float:
    """The mean loss on pairs, of DPO in nats."""
    with torch.no_grad():
        return float(by(log_probs_of(policy, pairs), log_probs_of(reference, pairs), beta))


def fit_reward(
    model: Readout, pairs: Pairs, fit: Fit, *, seed: int, watch: Callable[[int], None], by: RewardLoss = reward_loss
) -> None:
    """Train a reward model in place."""
    _descend(model, lambda index_B: by(*rewards_of(model, pairs.at(index_B))), len(pairs), fit, seed, watch)


def model_loss(model: Readout, pairs: Pairs, by: RewardLoss = reward_loss) -> float:
    """A reward model's mean loss on pairs, in nats."""
    with torch.no_grad():
        return float(by(*rewards_of(model, pairs)))


def _parts(pairs: Pairs, size: int = 512) -> list[Pairs]:
    return [pairs.at(slice(start, start + size)) for start in range(0, len(pairs), size)]


def _descend(
    module: nn.Module, loss: Callable[[Tensor], Tensor], count: int, fit: Fit, seed: int, watch: Callable[[int], None]
) -> None:
    generator, descent = seeded(seed), Descent([module], fit.learning_rate)
    order = torch.empty(0, dtype=torch.long)
    for step in range(1, fit.steps + 1):
        if len(order) < fit.batch:  # a new epoch begins; what is left of the old one opens it
            order = torch.cat([order, torch.randperm(count, generator=generator)])
        index_B, order = order[: fit.batch], order[fit.batch :]
        descent.step(loss(index_B))
        if step % fit.every == 0:
            watch(step)
