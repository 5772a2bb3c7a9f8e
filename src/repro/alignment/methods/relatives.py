"""DPO and its relatives: losses on pairs, made of log-probabilities by the policy and by the reference.

Each loss takes two pairs of log-probabilities, `mine` by the policy and `theirs` by the reference; a pair holds those
of the replies that won and of those that lost, (B,) each. SFT, ORPO and SimPO never look at the reference's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from repro.alignment.methods.losses import dpo_loss, ipo_loss, kto_loss, orpo_loss, simpo_loss

LogProbs = tuple[Tensor, Tensor]
PairLoss = Callable[[LogProbs, LogProbs], Tensor]  # its weight is bound already


def dpo(mine: LogProbs, theirs: LogProbs, *, beta: float) -> Tensor:
    """DPO's loss."""
    return dpo_loss(*_ratios(mine, theirs), beta=beta)


def ipo(mine: LogProbs, theirs: LogProbs, *, beta: float) -> Tensor:
    """IPO's loss, whose tau is beta."""
    return ipo_loss(*_ratios(mine, theirs), beta=beta)


def kto(mine: LogProbs, theirs: LogProbs, *, beta: float) -> Tensor:
    """KTO's loss, each half of a pair a thumb up or down."""
    return kto_loss(*_ratios(mine, theirs), beta=beta)


def orpo(mine: LogProbs, theirs: LogProbs, *, weight: float, length: int) -> Tensor:
    """ORPO's loss on replies of `length` tokens."""
    return orpo_loss(mine[0] / length, mine[1] / length, weight=weight)


def simpo(mine: LogProbs, theirs: LogProbs, *, beta: float) -> Tensor:
    """SimPO's loss without a margin; beta weighs the sum over a reply as DPO's does, since all have one length."""
    return simpo_loss(mine[0], mine[1], beta=beta, margin=0.0)


def chosen_only(mine: LogProbs, theirs: LogProbs) -> Tensor:
    """The loss of supervised fine-tuning on the replies that won, which has no weight."""
    return -mine[0].mean()


def pair_loss(method: str, weight: float, length: int) -> PairLoss:
    """The loss of DPO or a relative at its weight, on replies of `length` tokens.

    Raises:
        ValueError: no such method.
    """
    losses: dict[str, PairLoss] = {
        "DPO": partial(dpo, beta=weight),
        "IPO": partial(ipo, beta=weight),
        "KTO": partial(kto, beta=weight),
        "SimPO": partial(simpo, beta=weight),
        "SFT on chosen": chosen_only,
        "ORPO": partial(orpo, weight=weight, length=length),
    }
    if method not in losses:
        raise ValueError(f"got method={method!r}; expected one of {[*losses]}")
    return losses[method]


def _ratios(mine: LogProbs, theirs: LogProbs) -> LogProbs:
    return mine[0] - theirs[0], mine[1] - theirs[1]
