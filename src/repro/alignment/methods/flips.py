"""Preference labels of which a share is turned round, and two losses that know the share.

Legend: N pairs, B batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.alignment.methods.pairs import Pairs, RewardLoss
from repro.alignment.methods.relatives import Both, PairLoss

TURNED = 20_000  # what is added to a seed for the flips, so that the pairs under them stay as they are


def turned(pairs: Pairs, share: float, seed: int) -> Pairs:
    """The pairs, each turned round with this probability; those turned at a smaller share are among them."""
    lots_N = torch.rand(len(pairs), generator=torch.Generator().manual_seed(seed + TURNED))
    flips_N1 = (lots_N < share)[:, None]
    sides = ((pairs.chosen, pairs.rejected), (pairs.chosen_mask, pairs.rejected_mask))
    (won, lost), masks = ((torch.where(flips_N1, b, a), torch.where(flips_N1, a, b)) for a, b in sides)
    return Pairs(won, lost, *masks)


def smoothed(loss: Tensor, reverse: Tensor, share: float) -> Tensor:
    """The loss of a label believed with probability 1 - share, from the losses of it and of its reverse.

    Source: conservative DPO, a form that Chowdhury et al. 2024 (arXiv:2403.00409) compare, as remembered.
    """
    return (1 - share) * loss + share * reverse


def unbiased(loss: Tensor, reverse: Tensor, share: float) -> Tensor:
    """A loss whose mean over flips is that of the label before them, from the losses of a label and of its reverse.

    Source: Chowdhury et al. 2024 (arXiv:2403.00409), robust DPO; trl's `loss_type="robust"`, which a test compares.
    """
    return ((1 - share) * loss - share * reverse) / (1 - 2 * share)


MENDED = {"smoothed": smoothed, "unbiased": unbiased}


def knowing(by: PairLoss, corrected: str, share: float) -> PairLoss:
    """A loss on pairs, corrected for a known share of flips in one of MENDED's ways, or as it was for "no"."""
    if corrected == "no":
        return by

    def mended(mine: Both, theirs: Both, weight: float) -> Tensor:
        return MENDED[corrected](by(mine, theirs, weight), by(mine[::-1], theirs[::-1], weight), share)

    return mended


def knowing_rewards(by: RewardLoss, corrected: str, share: float) -> RewardLoss:
    """The same for a reward model's loss of rewards that won and that lost, (B,) each."""
    if corrected == "no":
        return by
    return lambda won_B, lost_B: MENDED[corrected](by(won_B, lost_B), by(lost_B, won_B), share)
