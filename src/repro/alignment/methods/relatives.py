"""DPO's relatives: other losses on the same pairs, each with a weight of its own.

Both, mine and theirs: log-probabilities of the replies that won and of those that lost, (B,) each, by the policy and by
the reference. SFT, ORPO and SimPO never look at the reference's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import Tensor

from repro.alignment.methods.losses import dpo_loss, ipo_loss, kto_loss, orpo_loss, simpo_loss

Both = tuple[Tensor, Tensor]
PairLoss = Callable[[Both, Both, float], Tensor]


def dpo(mine: Both, theirs: Both, beta: float) -> Tensor:
    """DPO's loss."""
    return dpo_loss(*_ratios(mine, theirs), beta=beta)


def ipo(mine: Both, theirs: Both, beta: float) -> Tensor:
    """IPO's, whose tau is beta."""
    return ipo_loss(*_ratios(mine, theirs), beta=beta)


def kto(mine: Both, theirs: Both, beta: float) -> Tensor:
    """KTO's, each half of a pair a thumb up or down."""
    return kto_loss(*_ratios(mine, theirs), beta=beta)


def orpo(mine: Both, theirs: Both, weight: float, *, length: int) -> Tensor:
    """ORPO's, on replies of `length` tokens."""
    return orpo_loss(mine[0] / length, mine[1] / length, weight=weight)


def simpo(mine: Both, theirs: Both, beta: float) -> Tensor:
    """SimPO's without a margin; beta weighs the sum over a reply as DPO's does, since all have one length."""
    return simpo_loss(mine[0], mine[1], beta=beta, margin=0.0)


def chosen_only(mine: Both, theirs: Both, weight: float) -> Tensor:
    """Supervised fine-tuning on the replies that won; it has no weight."""
    return -mine[0].mean()


def relative(method: str, length: int) -> PairLoss:
    """The loss of a relative, or DPO's own, on replies of `length` tokens.

    Raises:
        ValueError: no such method.
    """
    table: dict[str, PairLoss] = {
        "DPO": dpo,
        "IPO": ipo,
        "KTO": kto,
        "SimPO": simpo,
        "SFT on chosen": chosen_only,
        "ORPO": functools.partial(orpo, length=length),
    }
    if method not in table:
        raise ValueError(f"got method={method!r}; expected one of {[*table]}")
    return table[method]


def _ratios(mine: Both, theirs: Both) -> Both:
    return mine[0] - theirs[0], mine[1] - theirs[1]
