"""Preference labels of which a share is turned round, and two losses that know the share.

Legend: N pairs, B batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.alignment.methods.pairs import Pairs, RewardLoss
from repro.alignment.methods.relatives import LogProbs, PairLoss

FLIPS = 20_000  # what is added to a seed for the flips, so that the pairs under them stay as they are


def flip_labels(pairs: Pairs, share: float, seed: int) -> Pairs:
    """The pairs, each turned round with this probability; those turned at a smaller share are among them."""
    lots_N = torch.rand(len(pairs), generator=torch.Generator().manual_seed(seed + FLIPS))
    flips_N1 = (lots_N < share)[:, None]
    sides = ((pairs.chosen, pairs.rejected), (pairs.chosen_mask, pairs.rejected_mask))
    (won, lost), masks = ((torch.where(flips_N1, b, a), torch.where(flips_N1, a, b)) for a, b in sides)
    return Pairs(won, lost, *masks)


def smoothed(loss: Tensor, reverse: Tensor, share: float) -> Tensor:
    """The loss of a label that is believed with probability 1 - share, from its loss and that of its reverse.

    Source: conservative DPO, a form that Chowdhury et al. 2024 (arXiv:2403.00409) compare, as remembered.
    """
    return (1 - share) * loss + share * reverse


def unbiased(loss: Tensor, reverse: Tensor, share: float) -> Tensor:
    """A loss whose mean over flips is the loss of the clean label, from the loss of a label and that of its reverse.

    Source: Chowdhury et al. 2024 (arXiv:2403.00409), robust DPO; trl's `loss_type="robust"`, which a test compares.
    """
    return ((1 - share) * loss - share * reverse) / (1 - 2 * share)


CORRECTIONS = {"smoothed": smoothed, "unbiased": unbiased}


def corrected_pair_loss(loss: PairLoss, correction: str, share: float) -> PairLoss:
    """A loss on pairs, corrected for a known share of flips in one of the CORRECTIONS, or as it is for "no"."""
    if correction == "no":
        return loss

    def corrected(mine: LogProbs, theirs: LogProbs) -> Tensor:
        return CORRECTIONS[correction](loss(mine, theirs), loss(mine[::-1], theirs[::-1]), share)

    return corrected


def corrected_reward_loss(loss: RewardLoss, correction: str, share: float) -> RewardLoss:
    """A reward model's loss of rewards that won and that lost, (B,) each, corrected in the same way."""
    if correction == "no":
        return loss
    return lambda won_B, lost_B: CORRECTIONS[correction](loss(won_B, lost_B), loss(lost_B, won_B), share)
