"""The staircase from Kaplan's exponent to Chinchilla's, and the statistic that reads it."""

import os

import numpy as np
import pandas as pd
import pytest

from repro.corpora.tables.tables import load_table, table_id
from repro.fits.approaches.isoflop import fit_isoflop, valleys
from repro.fits.laws.surface import BESIROGLU, Surface
from repro.fits.questions.staircase import STEPS, PaperStep, Valleys, exponent_interval, valley_exponent
from repro.fits.runs.planted import Planted, plant
from repro.fits.runs.suites import Suite, suite_runs

KAPLAN_WORLD = Surface(E=1.8, A=480.0, B=4e6, alpha=0.27, beta=0.73)  # a = 0.73
BUDGETS = tuple(np.geomspace(1.25e16, 2.56e19, 12))
# The control of the paper: the tuned optimiser with Kaplan's counting and warm-up.
TUNED_ALONE = PaperStep(
    "optimiser tuned alone",
    "RefinedWeb",
    (("dataset", "rw"), ("hparams", "tuned"), ("warmup", "long"), ("decay", "const"), ("param_count", "kaplan")),
    (0.711, 0.703, 0.721),
)
needs_data = pytest.mark.skipif(not os.environ.get("REPRO_DATA"), reason="no public tables: REPRO_DATA is unset")


def study(surface: Surface, noise: float = 0.002) -> Planted:
    """A study of the paper's shape: 12 budgets of 9 sizes."""
    return Planted(surface=surface, noise=noise, budgets=BUDGETS, sizes=9, tokens_per_parameter=None)


@pytest.mark.parametrize("surface", [BESIROGLU, KAPLAN_WORLD], ids=["chinchilla", "kaplan"])
def test_the_statistic_tells_kaplans_world_from_chinchillas(surface):
    """Each planted exponent lies in its own interval, and the intervals are far narrower than the gap."""
    found = valley_exponent(Valleys(suite=Suite(source=study(surface)), resamples=50), seed=3)

    assert found["low"] <= surface.a <= found["high"]
    assert found["high"] - found["low"] < 0.05


def test_the_interval_over_budgets_holds_the_truth_as_often_as_it_says():
    """Nominal 90 %, 200 planted studies: within binomial scatter of 90 %."""
    held = []
    for seed in range(200):
        runs = valleys(plant(study(BESIROGLU), seed))
        low, high = exponent_interval(fit_isoflop(runs["N"], runs["D"], runs["loss"]), level=0.9)
        held.append(low <= BESIROGLU.a <= high)

    assert 0.83 <= np.mean(held) <= 0.96


def test_a_budget_without_runs_on_both_sides_is_no_valley():
    """Loss falling with size throughout: the minimum lies beyond what was tried."""
    runs = plant(study(BESIROGLU, noise=0.0), seed=0)
    last = runs["C"] == runs["C"].max()
    slope = runs.assign(loss=runs["loss"].where(~last, 3.0 - 0.01 * np.log(runs["N"])))

    assert 12 * 7 == len(valleys(runs))
    assert 11 * 7 == len(valleys(slope))


def test_no_valley_at_all_is_refused():
    """The message counts the runs."""
    runs = plant(study(BESIROGLU), seed=0)
    with pytest.raises(ValueError, match="108 runs"):
        valleys(runs.assign(loss=5.0 - 0.01 * np.log(runs["N"])))


def test_an_interval_needs_three_minima():
    """Through two points the line is exact and says nothing about its scatter."""
    runs = valleys(plant(study(BESIROGLU, noise=0.0), seed=0)).head(14)
    with pytest.raises(ValueError, match="three"):
        exponent_interval(fit_isoflop(runs["N"], runs["D"], runs["loss"]))


def measured(step) -> float:
    runs = valleys(suite_runs(step.suite, seed=0))
    return fit_isoflop(runs["N"], runs["D"], runs["loss"]).a


@needs_data
@pytest.mark.parametrize(
    ("corpus", "exponents"),
    [("RefinedWeb", (0.877, 0.698, 0.608, 0.550, 0.503)), ("OpenWebText2", (0.858, 0.696, 0.602, 0.547, 0.509))],
)
def test_every_repair_brings_the_exponent_down(corpus, exponents):
    """From 0.88 to 0.50: counting, warm-up, decay and optimiser each take a step."""
    found = [measured(step) for step in STEPS if step.corpus == corpus]

    assert exponents == tuple(pytest.approx(a, abs=0.003) for a in found)
    assert sorted(found, reverse=True) == found


@needs_data
def test_the_optimiser_alone_does_not_do_it():
    """Tuned, but with Kaplan's counting and warm-up: 0.68, as far from 0.5 as counting left it."""
    assert 0.676 == pytest.approx(measured(TUNED_ALONE), abs=0.001)


@needs_data
def test_the_published_exponents_are_those_of_the_table():
    """a, a_lo and a_hi as the authors' file has them, to three digits."""
    fits = load_table(table_id("porian_fits"))
    for step in (*STEPS, TUNED_ALONE):
        rows = fits[pd.concat([fits[column] == text for column, text in step.where], axis=1).all(axis=1)]
        columns = rows[["med_w_n_exponent", "a_lo", "a_hi"]].to_numpy()
        np.testing.assert_allclose([step.published], columns, atol=0.00051)
