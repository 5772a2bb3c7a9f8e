"""Each kind of interval covers as often as it says, on simulated data whose truth is known.

A nominal 99 % must cover in 98 to 99.7 % of the data sets. Three ways to see it, the cheapest that will do:

- Counts are few: the interval of every count, weighted with its probability, gives the coverage without error.
- A closed form runs on arrays: 4,000 data sets at once (binomial standard error 0.16 %); the function gives its ends.
- A bootstrap is slow: 400 data sets each time, whose share may stray by the binomial error of so few (0.5 %), and 4,000
  with `-m slow`, whose share may not.

Seeds and sizes stand beside each case.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from repro.statistics import (
    GTest,
    bootstrap,
    clopper_pearson,
    divergence,
    g_test,
    geometric_t,
    hierarchical,
    holm,
    hull,
    joint_bootstrap,
    largest_mean,
    newcombe,
    paired_t,
    percentile,
    prediction_t,
    resampled_seeds,
    student_t,
    wilson,
)

FEW, MANY = 400, 4000
LEAST, MOST = 0.98, 0.997


def within_promise(share):
    return LEAST <= share <= MOST


def within_error(share, repeats):
    """Within the promise; of fewer than 4,000 data sets, also what chance gives once in twenty at its edges.

    Of 400 that is 387 or more: a 95 % interval in the place of a 99 % one is seen.
    """
    if repeats >= MANY:
        return within_promise(share)
    return stats.binom.ppf(0.05, repeats, LEAST) <= share * repeats <= stats.binom.ppf(0.95, repeats, MOST)


@pytest.fixture(params=[FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def repeats(request):
    """How many data sets are simulated."""
    return request.param


def coverage(make, truth, repeats, seed=1):
    """Share of simulated data sets whose interval holds the truth."""
    rng = np.random.default_rng(seed)
    intervals = [make(rng) for _ in range(repeats)]
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


def covers_by_closed_form(samples, interval, truth):
    """Whether mean +- t s / sqrt(n) covers over the rows of `samples`, and `interval` of a row is just that."""
    n = samples.shape[1]
    mean = samples.mean(axis=1)
    half = stats.t.ppf(0.995, n - 1) * samples.std(axis=1, ddof=1) / np.sqrt(n)
    ends = np.stack([mean - half, mean + half], axis=1)[:50]
    same = np.allclose(ends, [(one.low, one.high) for one in map(interval, range(50))], rtol=1e-12, atol=1e-12)
    return same and within_promise(np.mean(abs(mean - truth) <= half))


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_students_t_over_a_few_seeds_covers(seeds):
    samples = np.random.default_rng(1).normal(2, 3, (MANY, seeds))

    assert covers_by_closed_form(samples, lambda row: student_t(samples[row]), 2)


def test_paired_t_covers_where_pairs_share_their_noise():
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 5, (MANY, 5))
    ours = shared + rng.normal(1, 1, (MANY, 5))

    assert covers_by_closed_form(ours - shared, lambda row: paired_t(ours[row], shared[row]), 1)


def test_log_ratios_cover():
    logs = np.random.default_rng(1).normal(np.log(2), 0.2, (MANY, 6))

    assert covers_by_closed_form(logs, lambda row: geometric_t(np.exp(logs[row])).through(np.log), np.log(2))


def test_the_interval_of_one_more_run_covers_that_run():
    """Not the mean of all runs, for which it is far too wide."""
    *samples, more = np.random.default_rng(1).normal(2, 3, (9, MANY))
    intervals = [prediction_t(sample) for sample in np.transpose(samples)]

    assert within_promise(np.mean([one.low <= number <= one.high for one, number in zip(intervals, more, strict=True)]))


@pytest.mark.parametrize("truths", [(0.0, 0.0, 0.0), (0.0, -1.0, -9.0), (0.0,)], ids=["equal", "near", "one arm"])
def test_the_largest_of_several_means_is_covered_whichever_it_is(truths):
    """An arm that is picked for its mean and given its own interval lies too high where the arms are equal."""
    draws = np.random.default_rng(2).normal(np.array(truths)[:, None], 1.0, (FEW, len(truths), 5))
    share = np.mean([one.low <= 0 <= one.high for one in map(largest_mean, draws)])

    assert within_error(share, FEW)


def test_an_arm_picked_for_its_mean_is_luckier_than_its_own_interval_says():
    draws = np.random.default_rng(2).normal(0.0, 1.0, (200, 12, 5))
    picked = [student_t(max(arms, key=np.mean)).low > 0 for arms in draws]

    assert np.mean(picked) > 0.03 > 0.01 > np.mean([largest_mean(arms).low > 0 for arms in draws])


@pytest.mark.parametrize("right", [0, 1, 2])
def test_whichever_choice_is_right_the_hull_over_choices_covers(right):
    """More often than it says, where choices differ; the interval at a choice that is wrong hardly ever covers."""
    truths = np.array([0.24, 0.18, 0.13])
    draws = np.random.default_rng(1).normal(truths[:, None], 0.005, (FEW, 3, 5))
    by_choice = [[student_t(sample) for sample in choices] for choices in draws]

    def share(intervals):
        return np.mean([one.low <= truths[right] <= one.high for one in intervals])

    assert 0.99 <= share([hull(estimates, of="choices") for estimates in by_choice])
    assert share([estimates[right - 1] for estimates in by_choice]) < 0.2


def test_a_figure_that_one_choice_refutes_and_another_meets_is_neither():
    refuted, met = student_t([0.130, 0.132, 0.134]), student_t([0.200, 0.202, 0.204])
    both = hull([refuted, met], of="spreads")

    assert both.low < 0.162 < both.high and refuted.high < 0.162
    assert "Student's t over 3 seeds, over 2 spreads" == both.method
    with pytest.raises(ValueError, match="one level and unit"):
        hull([refuted, student_t([1.0, 2.0], unit="times")], of="spreads")


def test_groups_and_items_both_count():
    """Five seeds of 50 prompts: an interval that ignored the seeds would cover about half the time."""
    rng = np.random.default_rng(1)
    items = rng.normal(rng.normal(0, 1, (MANY, 5))[..., None], 3, (MANY, 5, 50))

    assert covers_by_closed_form(items.mean(axis=2), lambda row: hierarchical(items[row]), 0)


def test_bca_bootstrap_over_items_covers(repeats):
    def draw(rng):
        return bootstrap(rng.normal(1, 1, 200), resamples=1000, seed=int(rng.integers(2**31)))

    assert within_error(coverage(draw, 1, repeats), repeats)


def test_percentile_bootstrap_over_items_covers(repeats):
    def draw(rng):
        items = rng.normal(1, 1, 200)
        draws = items[rng.integers(200, size=(1000, 200))].mean(axis=1)
        return percentile(draws, items.mean(), n=200)

    assert within_error(coverage(draw, 1, repeats), repeats)


def test_many_groups_are_resampled_and_cover(repeats):
    def draw(rng):
        groups = rng.normal(rng.normal(0, 1, 60)[:, None], 1, (60, 10))
        return hierarchical(groups, resamples=1000, seed=int(rng.integers(2**31)))

    assert within_error(coverage(draw, 0, repeats), repeats)


def test_joint_bootstrap_of_a_ratio_of_totals_covers(repeats):
    """On arrays, too, because the function asks for its statistic resample by resample; from one draw both give one."""
    rng = np.random.default_rng(1)
    over = rng.lognormal(0, 0.3, (repeats, 60))
    under = over / 2 * rng.lognormal(-0.02, 0.2, (repeats, 60))

    def ends(row):
        drawn = np.random.default_rng(row).integers(60, size=(4000, 60))
        return np.quantile(over[row][drawn].sum(axis=1) / under[row][drawn].sum(axis=1), [0.005, 0.995])

    low, high = np.transpose([ends(row) for row in range(repeats)])
    ours = [joint_bootstrap(lambda a, b: a.sum() / b.sum(), over[row], under[row], seed=row) for row in range(5)]

    assert np.allclose(np.stack([low, high], axis=1)[:5], [(one.low, one.high) for one in ours], rtol=1e-12)
    assert within_error(np.mean((low <= 2) & (2 <= high)), repeats)


def gain_over_gain(ours, theirs):
    return np.ptp(ours[..., [0, -1]], axis=-1) / np.ptp(theirs[..., [0, -1]], axis=-1)


@pytest.mark.parametrize("seeds", [12, 16])
def test_a_statistic_of_mean_curves_covers_over_a_dozen_seeds(seeds, repeats):
    """What the last size gains on the first by one metric, over the same by another that sees the same seeds."""

    def draw(rng):
        rise, learned = np.linspace(0, 1, 6), rng.normal(1, 0.2, (seeds, 1))
        ours, theirs = (height * learned * rise + rng.normal(0, 0.1, (seeds, 6)) for height in (2, 1))
        return resampled_seeds(gain_over_gain, ours, theirs, resamples=4000, seed=int(rng.integers(2**31)))

    assert within_error(coverage(draw, 2, repeats), repeats)


def test_a_bootstrap_over_three_seeds_is_refused_because_it_covers_too_seldom():
    def naive(rng):
        values = rng.normal(0, 1, 3)
        draws = values[rng.integers(3, size=(1000, 3))].mean(axis=1)
        return percentile(draws, values.mean(), n=3)

    assert coverage(naive, 0, FEW) < 0.9
    assert not within_error(coverage(naive, 0, FEW), FEW)  # so 400 data sets do tell
    with pytest.raises(ValueError, match="student_t"):
        bootstrap([1.0, 2.0, 3.0])


def coverage_of_counts(interval, n, share):
    """Probability that the interval of a binomial count holds its share."""
    return sum(stats.binom.pmf(k, n, share) for k in range(n + 1) if interval(k, n).low <= share <= interval(k, n).high)


def test_wilson_covers_on_average_over_proportions():
    interval = cache(wilson)

    assert within_promise(np.mean([coverage_of_counts(interval, 60, p) for p in np.linspace(0.02, 0.98, 25)]))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_clopper_pearson_never_covers_less_than_it_says(share):
    assert 0.99 <= coverage_of_counts(cache(clopper_pearson), 50, share)


@pytest.mark.parametrize(("ours", "theirs"), [(0.2, 0.1), (0.5, 0.3)])
def test_the_difference_of_two_proportions_covers(ours, theirs):
    """Pairs of counts of less than one in ten million are left out and count as missed."""
    p = np.outer(stats.binom.pmf(range(31), 30, ours), stats.binom.pmf(range(46), 45, theirs))
    intervals = {(a, b): newcombe((a, 30), (b, 45)) for a, b in np.argwhere(p > 1e-7).tolist()}

    assert within_promise(sum(p[pair] for pair, one in intervals.items() if one.low <= ours - theirs <= one.high))
    assert newcombe((0, 30), (0, 45)).low < 0 < newcombe((0, 30), (0, 45)).high  # no collapse at all proves little


@pytest.mark.parametrize("strayed", [0.0, 0.05])
def test_divergence_from_a_known_law_covers(strayed, repeats):
    """Of a share `strayed` of the draws another law gives each token; where none strays the divergence is 0."""
    law, other = np.random.default_rng(0).dirichlet(np.full(12, 5), size=2)
    drawn = (1 - strayed) * law + strayed * other
    truth = float(np.sum(drawn * np.log(drawn / law)))

    share = coverage(lambda rng: divergence(g_test(rng.multinomial(2_000, drawn), law)), truth, repeats)

    assert share >= 0.98 if strayed == 0 else within_error(share, repeats)


def test_a_sample_luckier_than_others_promises_no_more_than_they():
    """A statistic near nothing gave the interval from 0 to 0, which no claim can be judged by."""
    lucky, usual = (divergence(GTest(statistic, 100, 16_000)) for statistic in (40.0, 100.0))

    assert 0 == lucky.low == lucky.value < lucky.high == usual.high


def test_a_sample_of_another_law_is_told_apart():
    law, other = np.random.default_rng(0).dirichlet(np.ones(12), size=2)
    own, strange = (g_test(np.random.default_rng(1).multinomial(5000, drawn), law) for drawn in (law, other))

    assert own.p_value > 0.01 > strange.p_value
    assert divergence(own).low == 0 < divergence(strange).low
    assert [0.04, 0.5] == pytest.approx(holm([0.02, 0.5]))
    assert own.freedom + strange.freedom == (own + strange).freedom
