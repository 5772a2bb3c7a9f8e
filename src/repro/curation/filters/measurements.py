"""Filters as measurements: what a classifier ranks below good text, what it refuses, and what a model gains."""

from __future__ import annotations

from repro.curation.filters.configurations import Filtering, Kept
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def filter_scores(config: Filtering, seed: int) -> Numbers:
    """Fit a classifier to reference against raw passages, and rank good and bad passages of other packages.

    Areas under the ROC curve: of each kind of bad text where the raw mix held the kind, `known`, where it did not,
    `new`, by the five `rules` and by `surprise`, counted in the reference; of each group of kinds. At the threshold
    that refuses a twentieth of good passages: how many of each group are `refused`, `of` so many; and shares of good
    text `refused`: `alike`, in `prose` (of so many comments), and in `another alphabet`.
    """
    from repro.curation.filters.trials import filter_numbers

    return dict(filter_numbers(config, seed))


@measurement(version=1)
def train_on_half(config: Kept, seed: int) -> Numbers:
    """Train a model on half of a pool of raw text, and read it on good passages of other packages.

    `loss` in nats per byte; `good` is the share of the half that is good; `bytes` of the half, of which
    `read` are trained on.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.curation.filters.trials import kept_loss

    return dict(kept_loss(config, seed))
