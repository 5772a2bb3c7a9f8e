"""Which drafted tokens stand, and which token follows them: exact rules, and false ones to test the tests with.

B sequences, G drafted tokens, V vocabulary. `p` are the target's laws, one more than drafted; `q` the draft's, from
which the drafted tokens were taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from repro.inference.decoding.choices import Choices, Drawn, DrawnReset, Way, WayReset

Settled = tuple[Tensor, Tensor]  # (B,) accepted, (B,) the token after them


@dataclass(frozen=True)
class Rule:
    """A rule of drafting and verifying.

    Fields: `propose` chooses a drafted token by q; `settle` verifies it; `ways` and `drawn` are its sources of chance.
    """

    propose: Callable[[Choices, Tensor], Tensor]
    settle: Callable[[Choices, Tensor, Tensor, Tensor], Settled]
    ways: type[Way] = Way
    drawn: type[Drawn] = Drawn


def drawn_from_draft(choices: Choices, q_BV: Tensor) -> Tensor:
    """(B,) tokens by the draft's own law."""
    return choices.token(q_BV)


def likeliest_of_draft(choices: Choices, q_BV: Tensor) -> Tensor:
    """(B,) the draft's likeliest tokens, which do not follow q."""
    return q_BV.argmax(-1)


def by_rejection(choices: Choices, p: Tensor, q: Tensor, drafted_BG: Tensor) -> Settled:
    """Accept with min(1, p/q); after a rejection draw from what p has more than q, after none from p.

    Source: Leviathan et al. 2022 (arXiv:2211.17192), algorithm 1; Chen et al. 2023 (arXiv:2302.01318), algorithm 2.
    """
    accepted_B = choices.accepted(_chances(p, q, drafted_BG))
    p_BV, q_BV = _laws_at(p, accepted_B), _laws_at(_ending_in_nothing(q), accepted_B)
    rest_BV = (p_BV - q_BV).clamp(min=0)
    # Where p and q are equal up to rounding nothing is left, and p is as good as what is.
    left_B1 = rest_BV.sum(-1, keepdim=True) > 0
    return accepted_B, choices.token(torch.where(left_B1, rest_BV, p_BV))


def by_own_sample(choices: Choices, p: Tensor, q: Tensor, drafted_BG: Tensor) -> Settled:
    """Draw from p at each place, and go on while what was drawn is what was drafted; q is not needed."""
    alive_B, accepted_B = torch.ones_like(drafted_BG[:, 0], dtype=torch.bool), torch.zeros_like(drafted_BG[:, 0])
    following_B = torch.zeros_like(accepted_B)
    for place in range(p.shape[1]):
        own_B = choices.token(p[:, place])
        following_B = torch.where(alive_B, own_B, following_B)
        if place < drafted_BG.shape[1]:
            alive_B = alive_B & (own_B == drafted_BG[:, place])
            accepted_B = accepted_B + alive_B.long()
        if not alive_B.any():
            break
    return accepted_B, following_B


def without_residual(choices: Choices, p: Tensor, q: Tensor, drafted_BG: Tensor) -> Settled:
    """False: after a rejection it draws from p as it is."""
    accepted_B = choices.accepted(_chances(p, q, drafted_BG))
    return accepted_B, choices.token(_laws_at(p, accepted_B))


def by_likeliest(choices: Choices, p: Tensor, q: Tensor, drafted_BG: Tensor) -> Settled:
    """False unless greedy: it accepts while the drafted token is the target's likeliest one."""
    agrees_BG = drafted_BG == p[:, :-1].argmax(-1)
    accepted_B = agrees_BG.long().cumprod(-1).sum(-1)
    return accepted_B, choices.token(_laws_at(p, accepted_B))


EXACT = {
    "rejection": Rule(drawn_from_draft, by_rejection),
    "own sample": Rule(drawn_from_draft, by_own_sample),
}
BROKEN = {
    "no residual": Rule(drawn_from_draft, without_residual),
    "arg-max draft": Rule(likeliest_of_draft, by_rejection),
    "one random number": Rule(drawn_from_draft, by_rejection, WayReset, DrawnReset),
    "agrees with arg-max": Rule(drawn_from_draft, by_likeliest),
}
RULES = {**EXACT, **BROKEN}


def _chances(p: Tensor, q: Tensor, drafted_BG: Tensor) -> Tensor:
    places = drafted_BG[..., None]
    return (p[:, :-1].gather(-1, places) / q.gather(-1, places)).squeeze(-1)


def _ending_in_nothing(q: Tensor) -> Tensor:
    """The laws and one of zeros, since nothing was drafted at the last place."""
    return torch.cat([q, torch.zeros_like(q[:, :1])], dim=1)


def _laws_at(laws: Tensor, place_B: Tensor) -> Tensor:
    return laws[torch.arange(len(laws), device=laws.device), place_B]
