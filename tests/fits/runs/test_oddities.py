"""Runs that stand out are named by row, and what they would do to a fit is undone or said."""

import numpy as np
import pandas as pd
import pytest

from repro.fits.approaches.envelope import fit_envelope
from repro.fits.approaches.isoflop import fit_isoflop
from repro.fits.laws.surface import fit_surface
from repro.fits.runs.reading import read_runs
from repro.fits.runs.suites import columns_of

GIVEN = ["N", "D", "loss"]


def _swept(runs, rates=6):
    """Each run at several learning rates: the best gives the run's loss, others up to 8 % more."""
    rng = np.random.default_rng(1)
    table = runs.loc[runs.index.repeat(rates), GIVEN].assign(lr=np.tile(np.geomspace(1e-4, 3e-3, rates), len(runs)))
    away = np.tile(np.linspace(-1, 1, rates), len(runs)) - 0.2
    return table.assign(loss=table["loss"] * (1 + 0.08 * away**2) * np.exp(1e-4 * rng.standard_normal(len(table))))


@pytest.mark.parametrize("kind", ["as it is", "with a number per row", "shuffled"])
def test_copies_count_once(saved, runs, kind):
    """The runs of a file and of the file twice are the same runs, so every interval is."""
    doubled = pd.concat([runs[GIVEN], runs[GIVEN]], ignore_index=True)
    doubled = doubled.assign(run=doubled.index) if kind == "with a number per row" else doubled
    doubled = doubled.sample(frac=1, random_state=0) if kind == "shuffled" else doubled

    read = read_runs(saved(doubled))

    assert sorted(runs["loss"]) == pytest.approx(sorted(read.frame["loss"]))
    assert len(runs) == len(read.left_out["copies"])
    assert any("exact copies: rows" in warning for warning in read.warnings)


def test_losses_that_meet_by_rounding_are_no_copies(saved, runs):
    """Two seeds whose losses were written with two digits are two runs."""
    two = pd.concat([runs[GIVEN].round(2).assign(seed=seed) for seed in (0, 1)])

    assert {} == read_runs(saved(two), keep_outliers=True).left_out


@pytest.mark.parametrize("factor", [5.0, 1.3, 0.5], ids=["diverged", "worse", "mistyped"])
def test_a_run_far_from_the_others_is_named_and_left_out(saved, runs, law, factor):
    """The parabola of its budget would follow it: approach 2 comes back to the law without it."""
    frame = runs[GIVEN].copy()
    frame.loc[50, "loss"] *= factor

    read = read_runs(saved(frame))
    kept = read_runs(saved(frame), keep_outliers=True)

    assert {"outliers": (52,)} == read.left_out
    assert any("row 52 has a loss of" in warning for warning in read.warnings)
    assert law.a == pytest.approx(fit_isoflop(*columns_of(read.frame)).a, abs=0.03)
    assert frame["loss"].tolist() == pytest.approx(kept.frame["loss"].tolist())


def test_ordinary_noise_is_no_outlier(saved, law):
    """Of twenty noisy files none loses a run."""
    rng = np.random.default_rng(2)
    for noise in (0.0, 0.001, 0.01, 0.05) * 5:
        N, D = np.exp(rng.uniform(17, 23, 40)), np.exp(rng.uniform(20, 26, 40))
        loss = law.loss(N, D) * np.exp(noise * rng.standard_normal(40))
        assert {} == read_runs(saved(pd.DataFrame({"N": N, "D": D, "loss": loss}))).left_out


def test_many_far_runs_are_no_outliers(saved, runs):
    """A fifth of the runs with another tokenizer: said, and all fitted."""
    frame = runs[GIVEN].assign(loss=runs["loss"] * np.where(np.arange(len(runs)) % 5 == 0, 1.4, 1.0))
    read = read_runs(saved(frame))

    assert {} == read.left_out
    assert any("too many to be outliers" in warning for warning in read.warnings)


def test_a_sweep_is_warned_of_and_its_best_taken_on_request(saved, runs, law):
    """The best of each cell gives E back; all of them give too much."""
    path = saved(_swept(runs))
    every, best = read_runs(path), read_runs(path, best_of_cell=True)

    assert any("up to 6 in one, which differ in 'lr'" in warning for warning in every.warnings)
    assert any("the best run of each N and D" in note or "54 of 324" in note for note in best.notes)
    assert len(runs) == len(best.frame)
    assert not any("several runs" in warning for warning in best.warnings)
    assert law.E == pytest.approx(fit_surface(*columns_of(best.frame)).surface.E, abs=0.03)


def test_seeds_are_no_sweep(saved, runs):
    """Runs that differ in their seed alone belong in the fit as they are."""
    rng = np.random.default_rng(3)
    seeds = [
        runs[GIVEN].assign(seed=seed, loss=runs["loss"] * np.exp(0.003 * rng.standard_normal(54))) for seed in (0, 1)
    ]
    read = read_runs(saved(pd.concat(seeds)))

    assert 108 == len(read.frame)
    assert not any("several runs" in warning for warning in read.warnings)


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_budgets_equal_but_for_rounding_are_one(saved, runs, digits):
    """Approach 1 asks who spent less, which the digits of D must not decide."""
    rounded = runs[GIVEN].assign(N=runs["N"].map(f"{{:.{digits}g}}".format), D=runs["D"].map(f"{{:.{digits}g}}".format))
    read = read_runs(saved(rounded)).frame

    assert 6 == read["C"].nunique()
    expected = fit_envelope(*columns_of(runs), runs["C"]).a
    assert expected == pytest.approx(fit_envelope(*columns_of(read), read["C"]).a, abs=0.01)


def test_scattered_compute_stays_scattered(saved, law):
    """A chain of near values is no budget."""
    rng = np.random.default_rng(4)
    N, D = np.exp(rng.uniform(17, 23, 400)), np.exp(rng.uniform(20, 26, 400))
    frame = pd.DataFrame({"N": N, "D": D, "loss": law.loss(N, D)})

    np.testing.assert_allclose(6 * N * D, read_runs(saved(frame)).frame["C"], rtol=0.05)


def test_active_parameters_are_what_compute_was_spent_on(saved, runs, law):
    """A mixture with a quarter of its weights active: N* counts the active ones, and the total is left aside."""
    table = runs.assign(params=4 * runs["N"], active_params=runs["N"], tokens=runs["D"])
    read = read_runs(saved(table[["params", "active_params", "tokens", "loss"]]))

    assert ("active parameters", "active_params") == (read.convention, read.columns["N"])
    size, _ = fit_surface(*columns_of(read.frame)).surface.optimum(3e20)
    assert float(law.optimum(3e20)[0]) == pytest.approx(float(size), rel=0.1)
