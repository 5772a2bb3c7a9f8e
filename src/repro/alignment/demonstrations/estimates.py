"""Whether a tuning taught anything, so that two ways of tuning can be compared."""

from __future__ import annotations

import pandas as pd

LEARNT = 0.1  # nats per token below the start: ten times the difference between two losses that is judged


def all_learnt(trials: pd.DataFrame) -> bool:
    """Whether every training ended well below its start; else a difference says that nothing was learnt, by either.

    Args:
        trials: one row each, with `untrained` and `nll` in nats per token; a training that diverged has none and
            learnt nothing.
    """
    return bool((trials["untrained"] - trials["nll"] >= LEARNT).all())
