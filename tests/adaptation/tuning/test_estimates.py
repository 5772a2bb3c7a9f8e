"""Forgetting is read at equal learning, and choices are made by what does not judge."""

import numpy as np
import pandas as pd
import pytest

from repro.adaptation.tuning.estimates import at_chosen, forgotten_by, tuned_best
from repro.statistics import geometric_t

NOTHING, FLOOR = 3.0, 1.0


def path(method: str, *, until: float, forgets: float, seed: int = 0, rate: float = 1e-3) -> dict:
    """A tuning that learns this share of the second language, and loses the first in proportion."""
    share = np.linspace(0, until, 5)
    second = 3.0 - 2.0 * share
    return {
        "method": method,
        "learning_rate": rate,
        "seed": seed,
        "floor": FLOOR,
        "first": list(2.0 + forgets * share * (NOTHING - 2.0)),
        "second": list(second),
        "validation": list(second),
    }


def ratio(whole: float, adapters: float, learnt: float = 0.8) -> float:
    trials = [
        path(method, until=until, forgets=forgets, seed=seed)
        for seed in range(4)
        for method, until, forgets in (("all weights", 1.0, whole), ("LoRA", 0.85, adapters))
    ]
    best = tuned_best(pd.DataFrame(trials))
    ours, theirs = (forgotten_by(best, name, learnt, NOTHING) for name in ("LoRA", "all weights"))
    return geometric_t(np.divide(ours, theirs)).value


def test_who_learns_less_is_not_credited_with_forgetting_less():
    """Both go one path and adapters stop before its end: by the ends of training they would seem to forget less."""
    whole, adapters = path("", until=1.0, forgets=0.9), path("", until=0.85, forgets=0.9)

    assert adapters["first"][-1] < whole["first"][-1]
    assert 1 == pytest.approx(ratio(whole=0.9, adapters=0.9))


def test_what_forgets_half_as_much_is_told_from_what_forgets_as_much():
    assert 0.5 == pytest.approx(ratio(whole=0.9, adapters=0.45))


def test_a_share_that_is_nowhere_learnt_is_refused():
    with pytest.raises(ValueError, match=r"learns 0.85"):
        ratio(whole=0.9, adapters=0.9, learnt=0.9)


def test_rate_and_look_are_chosen_by_validation_and_read_on_the_test_split():
    """The test split would choose the other rate, and another look; a run that diverged is no candidate."""
    one = {**path("LoRA", until=1.0, forgets=1.0), "validation": [3.0, 2.0, 1.5, 1.6, 1.7]}
    two = {**path("LoRA", until=0.1, forgets=1.0, rate=3e-3), "validation": [3.0, 2.9, 2.8, 1.4, 2.8]}
    none = {**one, "learning_rate": 1e-2, "validation": np.nan, "second": np.nan}
    best = tuned_best(pd.DataFrame([one, two, none]))

    assert [3e-3] == list(best["learning_rate"])
    assert [two["second"][3]] == at_chosen(best, "LoRA", "second")
