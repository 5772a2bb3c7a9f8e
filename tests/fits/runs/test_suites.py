"""Suites: which rows belong together, and which of them are not independent."""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from repro.corpora.tables.tables import table_id
from repro.fits.approaches.measurements import SuiteFit, suite_fit
from repro.fits.laws.surface import BESIROGLU, fit_surface
from repro.fits.runs.planted import Planted, plant
from repro.fits.runs.reading import read_runs
from repro.fits.runs.suites import (
    Broken,
    Suite,
    draw_surfaces,
    given_runs,
    group_weights,
    named_runs,
    public_suites,
    runs_of,
    suite_runs,
    without_worst,
)

STUDY = Planted(budgets=(1e18, 1e19, 1e20), sizes=9)
needs_data = pytest.mark.skipif(not os.environ.get("REPRO_DATA"), reason="no public tables: REPRO_DATA is unset")


def test_runs_have_names():
    """`planted` needs no table; every other name is a public table's."""
    assert Planted() == named_runs("planted")
    assert 225 == len(runs_of(named_runs("planted"), seed=0))
    assert table_id("gadre_104_models") == named_runs("gadre_104_models")


def test_the_worst_runs_are_left_out_in_place():
    """The largest losses go; the order of the others stays."""
    runs = pd.DataFrame({"loss": [3.0, 9.0, 2.0, 8.0, 4.0]})

    assert [3.0, 2.0, 4.0] == without_worst(runs, 2)["loss"].tolist()
    with pytest.raises(ValueError, match="expected 0 to 4"):
        without_worst(runs, 5)


def test_a_readers_own_file_is_sent_to_its_own_page(tmp_path):
    """What is right for one public table alone (five runs dropped, nine of a budget) is done to no other runs."""
    path = tmp_path / "my runs.csv.gz"
    with pytest.raises(ValueError, match=r"repro run own-runs -p 'runs=.*my runs.csv.gz'"):
        named_runs(str(path))


def test_given_runs_are_those_that_the_command_reads(tmp_path):
    plant(Planted(sizes=6, noise=0.003), seed=0)[["N", "D", "loss"]].to_csv(tmp_path / "my.csv", index=False)

    pd.testing.assert_frame_equal(read_runs(tmp_path / "my.csv").frame, given_runs(str(tmp_path / "my.csv")).frame)
    assert 81 == len(given_runs("planted").frame)


def test_rows_of_a_group_are_drawn_together():
    """Equal groups have equal weights, and as many groups are drawn as there are."""
    weights = group_weights(["x", "y", "x", "z"], 500, np.random.default_rng(0))

    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    assert 3 == pytest.approx(weights[:, [0, 1, 3]].sum(axis=1).mean())
    assert 1 == pytest.approx(weights.mean(), abs=0.1)


def test_without_a_group_each_row_is_a_run():
    """A planted suite has as many groups as rows."""
    runs = suite_runs(Suite(source=STUDY), seed=0)
    assert len(runs) == runs["group"].nunique() == 27


def test_the_same_runs_in_fewer_groups_give_wider_intervals():
    """Copies of a run carry no news: resampled as runs they would seem to."""
    runs = suite_runs(Suite(source=replace(STUDY, noise=0.01)), seed=0)
    copied = runs.loc[runs.index.repeat(8)].reset_index(drop=True)
    fit = fit_surface(runs["N"], runs["D"], runs["loss"])
    together = draw_surfaces(copied, fit, resamples=300, seed=0)
    apart = draw_surfaces(copied.assign(group=range(len(copied))), fit, resamples=300, seed=0)

    assert np.ptp(np.quantile(together.a, [0.1, 0.9])) > 1.5 * np.ptp(np.quantile(apart.a, [0.1, 0.9]))


def test_a_broken_world_follows_both_surfaces():
    """Small and large budgets, each with its own truth."""
    other = replace(BESIROGLU, E=2.5)
    small, large = (
        replace(STUDY, budgets=b, noise=0.0, surface=s) for b, s in (((1e18,), BESIROGLU), ((1e20,), other))
    )
    runs = suite_runs(Broken(small=small, large=large), seed=0)

    truth = np.where(runs["C"] < 1e19, BESIROGLU.loss(runs["N"], runs["D"]), other.loss(runs["N"], runs["D"]))
    np.testing.assert_allclose(truth, runs["loss"])


def test_a_planted_surface_is_found_again():
    """The interval of a holds the truth."""
    found = suite_fit(SuiteFit(suite=Suite(source=replace(STUDY, sizes=25)), resamples=200), seed=0)
    assert found["a_quantiles"][0] <= BESIROGLU.a <= found["a_quantiles"][-1]


@needs_data
def test_the_public_suites_have_their_sizes():
    """Rows after selection; Gemstones' 199 rows come from 20 training runs."""
    runs = {name: suite_runs(suite, seed=0) for name, suite in public_suites().items()}

    assert [240, 199, 34, 35, 35, 30, 121, 88, 116, 88] == [len(table) for table in runs.values()]
    assert 20 == runs["Gemstones"]["group"].nunique()


@needs_data
def test_rows_that_no_table_has_are_refused():
    """The message names the selection."""
    with pytest.raises(ValueError, match="elsewhere"):
        suite_runs(replace(public_suites()["Gadre, C4"], where=(("dataset_name", "elsewhere"),)), seed=0)
