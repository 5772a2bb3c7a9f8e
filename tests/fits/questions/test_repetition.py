"""The data-constrained law: its limits, its published numbers, its ridge, and worlds whose truth is known."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest

from repro.corpora.tables.tables import load_runs, table_id
from repro.fits.laws.intervals import up_to_edge
from repro.fits.questions.repetition import (
    FRESH,
    PUBLISHED,
    TOKENS_GRID,
    Decay,
    PlantedPairs,
    PlantedRepetition,
    RepeatedRuns,
    RepeatPairs,
    RepetitionFit,
    decay_objective,
    descend,
    effective,
    effective_epochs,
    explained,
    justified_size,
    pairs_near,
    repeat_pairs,
    repeated_loss,
    repetition_fit,
    worth,
)
from repro.statistics import student_t

needs_data = pytest.mark.skipif(not os.environ.get("REPRO_DATA"), reason="no public tables: REPRO_DATA is unset")


@pytest.fixture(scope="module")
def runs():
    return RepeatedRuns.of(load_runs(table_id("datablations_182_runs")))


@pytest.mark.parametrize(("decay", "epochs"), [(4.7, 3.22), (15.387756, 3.73), (98.0, 3.95)])
def test_four_epochs_are_worth_nearly_four_along_the_whole_ridge(decay, epochs):
    """3.22 to 3.95 epochs of fresh data for R_D* from 4.7 to 98."""
    assert epochs == pytest.approx(float(effective_epochs(4, decay)), abs=0.005)


def test_the_first_epoch_counts_in_full_and_the_worth_is_bounded():
    """No repetition is worth exactly U; without end it is worth U (1 + R*)."""
    assert 7.0 == float(effective(7.0, 0.0, 15.0))
    assert 7.0 * 16.0 == pytest.approx(float(effective(7.0, 1e9, 15.0)))


def test_without_decay_a_repeated_token_is_a_fresh_one():
    """As R* grows, 1 + R repetitions are worth 1 + R."""
    assert 40.0 == pytest.approx(float(effective_epochs(40, 1e9)), rel=1e-6)


def test_the_justified_size_is_optimal_for_its_tokens():
    """U tokens are the optimum at the compute 6 N U of the size they justify."""
    size = float(justified_size(1e10))
    np.testing.assert_allclose((size, 1e10), FRESH.optimum(6 * size * 1e10))


def test_on_fresh_data_the_law_is_the_plain_surface():
    """One epoch and a size that the tokens justify: no constant of decay has a say."""
    runs = RepeatedRuns(*(np.array([x]) for x in (1e7, 1e11, 1e11, 1.0)))

    for decay in (PUBLISHED, Decay(1.0, 1.0)):
        np.testing.assert_allclose(FRESH.loss(1e7, 1e11), repeated_loss(runs, decay.tokens, decay.size)[0])


@pytest.mark.parametrize("truth", [PUBLISHED, Decay(1.5, 5.3), Decay(100.0, 2.0)], ids=["published", "soon", "late"])
def test_a_planted_decay_is_found(truth):
    """The interval of the resampled R_D* holds the truth, and intervals of the three worlds are far apart."""
    found = repetition_fit(RepetitionFit(source=PlantedRepetition(decay=truth), resamples=300), seed=1)
    low, high = np.quantile(np.repeat(TOKENS_GRID, found["drawn"]), [0.005, 0.995])

    assert low <= truth.tokens <= high
    assert high / low < 2
    assert truth.tokens == pytest.approx(found["tokens_decay"], rel=0.25)


def test_noiseless_planted_runs_give_the_truth():
    """The descent ends at the planted constants."""
    runs = PlantedRepetition(decay=Decay(12.0, 4.0), noise=0.0).runs(seed=0)
    found = descend(runs, Decay(20.0, 2.0))

    assert (12.0, 4.0) == (pytest.approx(found.tokens, rel=1e-3), pytest.approx(found.size, rel=1e-3))


@pytest.mark.parametrize("decay", [1.0, 15.0, 300.0])
def test_matched_runs_tell_what_passes_are_worth_in_any_world(decay):
    """Without noise as the law has it, at either price; with noise, an interval over models that tells worlds apart."""
    exact, noisy = (
        repeat_pairs(RepeatPairs(source=PlantedPairs(decay=decay, noise=noise)), seed=1) for noise in (0.0, 0.0005)
    )
    for passes in (4, 40):
        pairs, truth = pairs_near(exact, passes, 1.1), float(effective_epochs(passes, decay))
        np.testing.assert_allclose(passes * pairs["worth"], truth, rtol=1e-6)
        np.testing.assert_allclose(passes * pairs["own_worth"], truth, rtol=1e-6)
    four = student_t(list(4 * pairs_near(noisy, 4, 1.1)["worth"]), of="models")

    assert four.low < float(effective_epochs(4, decay)) < four.high
    assert (four.low > 3) == (decay > 1)


def test_an_equal_loss_is_worth_the_same_tokens_and_a_loss_below_the_floor_no_number_of_them():
    """One fresh token for each that was read; and beyond all that fresh tokens could still win, infinitely many."""
    assert 1.0 == pytest.approx(worth(1e10, 0.0, FRESH.B))
    assert np.inf == worth(1e10, -1.0, FRESH.B)


@needs_data
def test_the_dearest_pair_of_the_public_runs_is_not_left_out():
    """2.2 B parameters lose most by four passes and have one fresh run, so that their own price judges nothing."""
    four = pairs_near(repeat_pairs(RepeatPairs(source=table_id("datablations_all229_runs")), seed=0), 4, 1.15)

    assert 8 == len(four)
    assert 2.16e9 == pytest.approx(four.loc[four["rise"].idxmax(), "N"], rel=1e-3)
    assert 5 == four["own_worth"].notna().sum()


def test_an_unknown_unit_of_resampling_is_refused():
    """The message says what was expected."""
    with pytest.raises(ValueError, match="groups"):
        repetition_fit(RepetitionFit(source=PlantedRepetition(), resampled="columns"), seed=0)


@needs_data
@pytest.mark.parametrize(
    ("decay", "objective"),
    [(PUBLISHED, 0.0158259353), (Decay(47.0, 2.33), 0.0158074), (Decay(98.0, 1.69), 0.0158049)],
)
def test_the_published_constants_lie_on_a_flat_ridge(runs, decay, objective):
    """Six times the published R_D* fits the 182 runs slightly better."""
    assert objective == pytest.approx(decay_objective(runs, decay), abs=5e-8)


@needs_data
def test_the_published_constants_are_a_local_minimum(runs):
    """A descent from them stays there, with the paper's R^2 of 0.77."""
    found = descend(runs, PUBLISHED)

    assert (PUBLISHED.tokens, PUBLISHED.size) == pytest.approx((found.tokens, found.size), rel=0.002)
    assert 0.7722 == pytest.approx(explained(runs, PUBLISHED), abs=5e-5)


@needs_data
def test_the_decay_is_not_identified_by_the_public_runs():
    """Over single runs the 95 % interval reaches from 4.7 to the edge of the grid, where 3 in 10 resamples end."""
    found = repetition_fit(
        RepetitionFit(source=table_id("datablations_182_runs"), resamples=2000, resampled="runs"), seed=0
    )
    low, high = np.quantile(np.repeat(TOKENS_GRID, found["drawn"]), [0.025, 0.975])

    assert 4.7 == pytest.approx(low, abs=0.3)
    assert TOKENS_GRID[-1] == high
    assert 0.31 == pytest.approx(found["at_edge"], abs=0.03)


def test_an_interval_that_ends_where_the_search_ended_has_no_upper_bound():
    inside, at_edge = student_t([80.0, 90.0, 100.0]), student_t([395.0, 400.0, 405.0])

    assert inside == up_to_edge(inside, TOKENS_GRID[-1])
    assert replace(at_edge, high=math.inf) == up_to_edge(at_edge, TOKENS_GRID[-1])
