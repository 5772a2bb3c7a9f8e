"""The losses of the preference methods, as functions of log-probabilities of replies.

Legend: B batch, T time, V vocabulary; a reply's log-probability is summed over its tokens unless it says mean.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def reply_log_probs(model: Callable[[Tensor], Tensor], tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """(B,) summed log-probability of the masked tokens, each given all tokens before it.

    Args:
        model: tokens (B, T) -> logits (B, T, V).
        mask_BT: 1 at the tokens of the reply; the first token of a sequence has no probability and is never counted.
    """
    log_probs_BTV = torch.log_softmax(model(tokens_BT)[:, :-1], dim=-1)
    token_BT = log_probs_BTV.gather(2, tokens_BT[:, 1:, None]).squeeze(2)
    return torch.as_tensor((token_BT * mask_BT[:, 1:]).sum(dim=1))


def dpo_loss(chosen_B: Tensor, rejected_B: Tensor, *, beta: float) -> Tensor:
    """Mean DPO loss in nats.

    Args:
        chosen_B, rejected_B: log-probability ratio policy / reference of the reply that won, and that lost.

    Source: Rafailov et al. 2023 (arXiv:2305.18290), eq. 7.
    """
    return -F.logsigmoid(beta * (chosen_B - rejected_B)).mean()


def ipo_loss(chosen_B: Tensor, rejected_B: Tensor, *, beta: float) -> Tensor:
    """Mean IPO loss of the same ratios; trl divides each by its reply's length first, the paper does not.

    Source: Azar et al. 2023 (arXiv:2310.12036), eq. 17.
    """
    return ((chosen_B - rejected_B - 1 / (2 * beta)) ** 2).mean()


def kto_loss(chosen_B: Tensor, rejected_B: Tensor, *, beta: float) -> Tensor:
    """Mean KTO loss of the same ratios, replies that won counted as desirable and those that lost as undesirable.

    Its point of reference, a KL, is estimated by the mean ratio over the batch, which must answer one prompt; no
    gradient flows through it.

    Source: Ethayarajh et al. 2024 (arXiv:2402.01306), eq. 7 and 8, both weights 1.
    """
    point = beta * torch.cat([chosen_B, rejected_B]).detach().mean().clamp(min=0)
    return (2 - torch.sigmoid(beta * chosen_B - point) - torch.sigmoid(point - beta * rejected_B)).mean() / 2


def simpo_loss(chosen_B: Tensor, rejected_B: Tensor, *, beta: float, margin: float) -> Tensor:
    """Mean SimPO loss of the policy's own mean log-probabilities per token; no reference enters.

    Source: Meng, Xia & Chen 2024 (arXiv:2405.14734), eq. 6.
    """
    return -F.logsigmoid(beta * (chosen_B - rejected_B) - margin).mean()


def orpo_loss(chosen_B: Tensor, rejected_B: Tensor, *, weight: float) -> Tensor:
    """Mean ORPO loss of mean log-probabilities per token: likelihood of the chosen, and its odds against the rejected.

    Source: Hong, Lee & Thorne 2024 (arXiv:2403.07691), eq. 6.
    """
    log_odds_B = chosen_B - rejected_B - torch.log(torch.expm1(chosen_B) / torch.expm1(rejected_B))
    return (-chosen_B - weight * F.logsigmoid(log_odds_B)).mean()


def reward_loss(chosen_B: Tensor, rejected_B: Tensor) -> Tensor:
    """Mean loss of a reward model: minus log sigma of the chosen reply's reward minus the rejected one's."""
    return -F.logsigmoid(chosen_B - rejected_B).mean()
