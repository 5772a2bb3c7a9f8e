"""Configurations of trials on a listed language."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.alignment.methods.configurations import METHODS, Effort
from repro.floor.identity import added

ON_PAIRS = ("DPO", "IPO", "KTO", "ORPO", "SimPO", "SFT on chosen")
OPTIMUM = "optimum for the reward model"
ARMS = (*METHODS, "RLOO", "GRPO", *ON_PAIRS[1:], OPTIMUM)
WEIGHED = (*ON_PAIRS, "GRPO", OPTIMUM)  # methods whose weight may be another than beta
DRAWN_BY = ("reference", "another decoder")
CORRECTED = ("no", "smoothed", "unbiased")


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language of all sentences of some words and one length, and the random decoder that is its reference."""

    vocabulary: int = 6
    length: int = 4
    width: int = 32
    layers: int = 1


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One method at one learning rate, on pairs that the reference drew and the gold reward labelled.

    model_rates: learning rates of the reward model, among which its loss on held-out pairs chooses. drawn_by: who wrote
    the sentences of the pairs, one of DRAWN_BY. strength: the weight in the loss of a method on pairs alone or of
    GRPO, if it is not beta, by which all are judged; for OPTIMUM the weight of the KL, and its learning rate is the
    reward model's only one. flipped: share of labels turned round, of held-out pairs too. corrected: how the loss
    allows for flips, one of CORRECTED.
    """

    method: str
    learning_rate: float
    pairs: int
    beta: float = 0.3
    language: Language = Language()
    budget: Effort = field(default_factory=Effort)
    model_rates: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    drawn_by: str = added("reference")
    strength: float | None = added(None)
    flipped: float = added(0.0)
    corrected: str = added("no")
