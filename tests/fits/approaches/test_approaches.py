"""The measurements of the three approaches, their ablations and the coverage of their intervals, on planted runs."""

import json

import numpy as np
import pytest

from repro.fits.approaches.ablation import WAYS, Ablation, fit_ablation, fit_in
from repro.fits.approaches.measurements import (
    ApproachOne,
    ApproachThree,
    ApproachTwo,
    approach_one,
    approach_two,
    surface_fit,
)
from repro.fits.laws.intervals import recorded_estimate
from repro.fits.laws.likelihood import fit_likelihood
from repro.fits.laws.surface import BESIROGLU, GOPHER_FLOP, Surface, bootstrap_surface
from repro.fits.runs.planted import Planted, plant
from repro.floor.identity import key, rebuild, spell
from repro.statistics.proportion import clopper_pearson

KAPLAN_WORLD = Surface(E=1.8, A=480.0, B=4e6, alpha=0.27, beta=0.73)  # a = 0.73
LEVELS = np.array([0.8, 0.95, 0.99])
MEASURED = [(approach_one, ApproachOne), (approach_two, ApproachTwo), (surface_fit, ApproachThree)]


@pytest.mark.parametrize(("measurement", "config"), MEASURED)
def test_a_record_is_small_and_its_interval_tells_the_planted_worlds_apart(measurement, config):
    """At most 16 kB; in Chinchilla's world and in Kaplan's, and each interval leaves the other world's exponent out."""
    for world, other in ((BESIROGLU, KAPLAN_WORLD), (KAPLAN_WORLD, BESIROGLU)):
        numbers = measurement(config(runs=Planted(surface=world, tokens_per_parameter=None), resamples=400), 3)
        estimate = recorded_estimate(numbers, "a")

        assert len(json.dumps(numbers)) < 16_000
        assert estimate.low < world.a < estimate.high
        assert not estimate.low < other.a < estimate.high


def test_an_estimate_is_read_at_any_recorded_level():
    """A narrower level is a narrower interval; a level that was not kept is refused; budgets are told apart."""
    numbers = surface_fit(ApproachThree(runs=Planted(), resamples=400), 0)
    widths = [np.ptp([e.low, e.high]) for e in (recorded_estimate(numbers, "a", level=p) for p in (0.8, 0.95, 0.99))]

    assert sorted(widths) == widths
    with pytest.raises(ValueError, match=r"0\.99, 0\.95, 0\.80"):
        recorded_estimate(numbers, "a", level=0.9)
    for at, size in enumerate(numbers["N"]):
        estimate = recorded_estimate(numbers, "N", at=at)
        assert size == estimate.value
        assert estimate.low < size < estimate.high


def test_a_config_with_planted_runs_survives_its_record():
    """It is spelled, hashed and rebuilt like any other."""
    config = ApproachThree(runs=Planted(surface=KAPLAN_WORLD, noise=0.01), resamples=10)

    assert config == rebuild(ApproachThree, spell(config))
    assert key("surface_fit", 1, config, 0) != key("surface_fit", 1, ApproachThree(runs=Planted(), resamples=10), 0)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_measured_against_the_minimum(way):
    """No way ends below our own objective; those that stop early end above."""
    numbers = fit_ablation(Ablation(runs=Planted(), way=way), 1)

    assert numbers["excess"] > -1e-12
    assert (way in ("mean", "sum")) == (numbers["excess"] > 0.01)


def test_an_unknown_way_is_refused():
    """The message lists the ways there are."""
    with pytest.raises(ValueError, match="newton, sum, mean"):
        fit_in("median", np.ones(6), np.ones(6), np.ones(6))


def test_the_likelihood_is_least_absolute_deviations_in_effect():
    """No surface nearby has a smaller mean absolute residual than the best by more than the threshold."""
    runs = plant(Planted(noise=0.007, sizes=9), seed=1)
    fit = fit_likelihood(runs["N"], runs["D"], runs["loss"])

    def deviation(surface):
        return np.abs(np.log(surface.loss(runs["N"], runs["D"]) / runs["loss"])).mean()

    around = np.random.default_rng(0).normal(size=(40, 5)) * 1e-4
    risen = [deviation(Surface.from_logs(fit.surface.logs() + shift)) for shift in around]
    assert fit.converged
    assert min(risen) > deviation(fit.surface) - 1e-8
    assert fit.log_scale == pytest.approx(np.log(1e-3 * deviation(fit.surface)), abs=1e-3)


def coverage(planted, sets, *, resamples, seed):
    """(levels, quantities) number of planted data sets whose interval holds the truth: a 99 % one in the last row.

    Quantities are E, A, B, alpha, beta, a and the tokens per parameter at Gopher's budget.
    """
    truth = [*planted.surface.table(), planted.surface.a, planted.surface.tokens_per_parameter(GOPHER_FLOP)]
    tails = (1 - LEVELS) / 2
    covered = np.zeros((len(LEVELS), len(truth)), dtype=int)
    for number in range(sets):
        runs = plant(planted, seed * sets + number)
        draws = bootstrap_surface(runs["N"], runs["D"], runs["loss"], resamples=resamples, seed=number)
        assert draws.has_optimum.all()  # a draw without an optimum would have no quantile
        columns = np.column_stack([draws.parameters, draws.a, draws.tokens_per_parameter(GOPHER_FLOP)])
        low, high = np.quantile(columns, tails, axis=0), np.quantile(columns, 1 - tails, axis=0)
        covered += (low <= truth) & (truth <= high)
    return covered


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """60 planted data sets of 81 runs, 400 resamples each: too few to tell 99 % from 98 %, but not from 90 %."""
    for level, counts in zip(LEVELS, coverage(Planted(sizes=9), 60, resamples=400, seed=0), strict=True):
        assert all(clopper_pearson(int(count), 60, level=0.999).high > level - 0.02 for count in counts)


@pytest.mark.slow
def test_the_99_percent_interval_covers_between_98_and_99_7_percent():
    """1,000 planted data sets of 225 runs, 600 resamples each; the binomial error of one coverage is 0.3 %."""
    covered = coverage(Planted(), 1000, resamples=600, seed=1)[-1] / 1000

    assert 0.98 <= covered.mean() <= 0.997
    assert (np.abs(covered - 0.99) < 0.01).all()
