"""Mixtures of experts: which share of the weights a token uses, and which share a batch touches."""

from __future__ import annotations


def mixture_parameters(*, shared: float, expert: float, experts: int, active: int) -> tuple[float, float]:
    """All parameters, and those that one token uses.

    Args:
        shared: parameters that every token uses: embeddings, attention, norms, routers, shared experts.
        expert: of one routed expert, summed over layers.
        experts: in each layer.
        active: that a token is sent to, in each layer.

    Raises:
        ValueError: more active experts than there are, or none.

    Source: Jiang et al. 2024 (arXiv:2401.04088), section 2.1.
    """
    if not 1 <= active <= experts:
        raise ValueError(f"{active} of {experts} experts are active; expected from 1 to {experts}")
    return shared + experts * expert, shared + active * expert


def touched_share(experts: int, active: int, tokens: int) -> float:
    """Expected share of a layer's experts that a batch uses, if each token chooses evenly: 1 - (1 - k/E)^b."""
    return 1 - (1 - active / experts) ** tokens
