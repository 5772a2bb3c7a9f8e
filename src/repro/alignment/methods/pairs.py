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
from repro.alignment.methods.optimiser import batches, steps_down
from repro.alignment.methods.ppo import Readout
from repro.alignment.methods.relatives import LogProbs, PairLoss
from repro.alignment.methods.replies import Model, sample_replies, seeded_generator

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

    def subset(self, index_B: Tensor | slice) -> Pairs:
        """The pairs at these places."""
        return Pairs(*(part[index_B] for part in (self.chosen, self.rejected, self.chosen_mask, self.rejected_mask)))

    def parts(self, size: int) -> list[Pairs]:
        """The pairs in their order, so many to a part."""
        return [self.subset(slice(start, start + size)) for start in range(0, len(self), size)]

    def sentences(self) -> tuple[Tensor, Tensor]:
        """(2N, T) all sentences, those that won first, and their masks: one pass is cheaper than two."""
        return torch.cat([self.chosen, self.rejected]), torch.cat([self.chosen_mask, self.rejected_mask])

    def split(self) -> tuple[Pairs, Pairs]:
        """The pairs to train on, and the last fifth, held out."""
        cut = len(self) - max(1, round(HELD_OUT * len(self)))
        return self.subset(slice(0, cut)), self.subset(slice(cut, None))


def draw_pairs(
    model: Model, prompts_NT: Tensor, reward: Callable[[Tensor], Tensor], length: int, generator: torch.Generator
) -> Pairs:
    """Two replies to each prompt; the first wins with probability sigma of its reward minus the other's."""
    one_NT, other_NT = (sample_replies(model, prompts_NT, length, generator) for _ in range(2))
    chance_N = torch.sigmoid(reward(one_NT) - reward(other_NT))
    wins_N1 = (torch.rand(len(chance_N), generator=generator) < chance_N)[:, None]
    mask_NT = torch.ones_like(one_NT)
    mask_NT[:, : prompts_NT.shape[1]] = 0
    return Pairs(torch.where(wins_N1, one_NT, other_NT), torch.where(wins_N1, other_NT, one_NT), mask_NT, mask_NT)


def pair_log_probs(model: Model, pairs: Pairs) -> LogProbs:
    """(N,) log-probability of each reply that won, and of each that lost."""
    log_probs_2N = reply_log_probs(model, *pairs.sentences())
    return log_probs_2N[: len(pairs)], log_probs_2N[len(pairs) :]


def pair_rewards(model: Readout, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """(N,) reward of each reply that won, and of each that lost."""
    rewards_2N = reply_rewards(model, *pairs.sentences())
    return rewards_2N[: len(pairs)], rewards_2N[len(pairs) :]


def reply_rewards(model: Readout, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """(B,) the number that a reward model reads at the last token of each reply."""
    last_B = mask_BT.shape[1] - 1 - mask_BT.flip(1).argmax(dim=1)
    rewards_B: Tensor = model(tokens_BT)[torch.arange(len(tokens_BT)), last_B]
    return rewards_B


def fit_direct(
    policy: nn.Module,
    reference: Model,
    pairs: Pairs,
    loss: PairLoss,
    fit: Fit,
    *,
    seed: int,
    watch: Callable[[int], None],
) -> None:
    """Train the policy in place by DPO or a relative; the reference is read once, beforehand.

    Source: Rafailov et al. 2023 (arXiv:2305.18290), eq. 7.
    """
    with torch.no_grad():
        won, lost = zip(*(pair_log_probs(reference, part) for part in pairs.parts(512)), strict=True)
    won_N, lost_N = torch.cat(won), torch.cat(lost)

    def batch_loss(index_B: Tensor) -> Tensor:
        return loss(pair_log_probs(policy, pairs.subset(index_B)), (won_N[index_B], lost_N[index_B]))

    _fit(policy, batch_loss, len(pairs), fit, seed, watch)


def direct_loss(policy: Model, reference: Model, pairs: Pairs, loss: PairLoss) -> float:
    """The mean loss of a policy on pairs, DPO's in nats."""
    with torch.no_grad():
        return float(loss(pair_log_probs(policy, pairs), pair_log_probs(reference, pairs)))


def fit_reward(
    model: Readout, pairs: Pairs, fit: Fit, *, seed: int, watch: Callable[[int], None], loss: RewardLoss = reward_loss
) -> None:
    """Train a reward model in place."""

    def batch_loss(index_B: Tensor) -> Tensor:
        return loss(*pair_rewards(model, pairs.subset(index_B)))

    _fit(model, batch_loss, len(pairs), fit, seed, watch)


def model_loss(model: Readout, pairs: Pairs, loss: RewardLoss = reward_loss) -> float:
    """The mean loss of a reward model on pairs, in nats."""
    with torch.no_grad():
        return float(loss(*pair_rewards(model, pairs)))


def _fit(
    module: nn.Module, loss: Callable[[Tensor], Tensor], count: int, fit: Fit, seed: int, watch: Callable[[int], None]
) -> None:
    step = steps_down([module], fit.learning_rate, loss)
    for number, index_B in enumerate(batches(count, fit.batch, fit.steps, seeded_generator(seed)), start=1):
        step(index_B)
        if number % fit.every == 0:
            watch(number)
