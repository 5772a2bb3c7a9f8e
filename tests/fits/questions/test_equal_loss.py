"""Models of equal loss, read off a planted ladder whose surface says what the answer is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.fits.approaches.rungs import surface_of
from repro.fits.laws.surface import Surface
from repro.fits.questions.allocation import PlannedRun, tradeoff
from repro.fits.questions.equal_loss import cheapest, equal_loss_runs, serving_between_rungs

TRUTH = Surface(E=1.5, A=60.0, B=171.0, alpha=0.35, beta=0.35)
D = 65_536 * 2.0 ** np.arange(8)
FINE = np.geomspace(5e3, 7e5, 40)


def ladder(sizes: np.ndarray) -> pd.DataFrame:
    rows = pd.DataFrame([(n, d) for n in sizes for d in D], columns=["N", "D"])
    return rows.assign(seed=0, width=rows["N"], loss=TRUTH.loss(rows["N"], rows["D"]))


def test_a_fine_ladder_finds_the_compute_optimal_run_of_equal_loss():
    best = cheapest(equal_loss_runs(ladder(FINE)))
    known = tradeoff(TRUTH, PlannedRun(FINE[0], D[-1]))

    assert known.serving == pytest.approx(best["serving"], rel=0.2)
    assert known.training == pytest.approx(best["training"], rel=0.05)
    assert known.break_even / D[-1] == pytest.approx(best["break_even"], rel=0.2)


def test_a_coarse_ladder_says_no_more_than_its_rungs_tell():
    coarse = ladder(FINE[::6])
    known = tradeoff(TRUTH, PlannedRun(FINE[0], D[-1])).serving
    told = serving_between_rungs([equal_loss_runs(coarse)])

    assert told.low < known < told.high
    assert told.high / told.low > (FINE[6] / FINE[0])


def test_the_measured_loss_counts_and_not_a_surface_that_misses_it():
    """The smallest model ends 3 % above the surface, so models of that loss are cheaper than the surface says."""
    table = ladder(FINE[::6])
    table.loc[(table["N"] == FINE[0]) & (table["D"] == D[-1]), "loss"] *= 1.03
    by_surface = tradeoff(surface_of(table), PlannedRun(FINE[0], D[-1]))

    assert by_surface.training < 0.9 * cheapest(equal_loss_runs(table))["training"]


def test_a_model_that_is_not_overtrained_has_nothing_to_win_back():
    with pytest.raises(ValueError, match=r"no larger model reaches 8\.070 nats for less than 1\.97e\+09 operations"):
        equal_loss_runs(ladder(FINE).query("D == @D[0]"))
