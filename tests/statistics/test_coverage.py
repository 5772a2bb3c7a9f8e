"""Each kind of interval covers as often as it says, on simulated data whose truth is known.

A nominal 99 % must cover in 98 to 99.7 % of 4,000 simulated data sets (binomial standard error 0.16 %); seeds and sizes
stand beside each case.
"""

from __future__ import annotations

import numpy as np
import pytest

from repro.statistics import (
    bootstrap,
    clopper_pearson,
    divergence,
    g_test,
    geometric_t,
    hierarchical,
    holm,
    joint_bootstrap,
    newcombe,
    paired_t,
    percentile,
    student_t,
    wilson,
)

REPEATS = 4000


def coverage(make, truth, repeats=REPEATS, seed=1):
    """Share of simulated data sets whose interval holds the truth."""
    rng = np.random.default_rng(seed)
    intervals = [make(rng) for _ in range(repeats)]
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


def within_promise(share):
    return 0.98 <= share <= 0.997


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_students_t_over_a_few_seeds_covers(seeds):
    assert within_promise(coverage(lambda rng: student_t(rng.normal(2, 3, seeds)), 2))


def test_paired_t_covers_where_pairs_share_their_noise():
    def draw(rng):
        shared = rng.normal(0, 5, 5)
        return paired_t(shared + rng.normal(1, 1, 5), shared)

    assert within_promise(coverage(draw, 1))


def test_log_ratios_cover():
    assert within_promise(coverage(lambda rng: geometric_t(np.exp(rng.normal(np.log(2), 0.2, 6))), 2))


def test_bca_bootstrap_over_items_covers():
    def draw(rng):
        return bootstrap(rng.normal(1, 1, 200), resamples=1000, seed=int(rng.integers(2**31)))

    assert within_promise(coverage(draw, 1, repeats=1000))


def test_percentile_bootstrap_over_items_covers():
    def draw(rng):
        items = rng.normal(1, 1, 200)
        draws = items[rng.integers(200, size=(1000, 200))].mean(axis=1)
        return percentile(draws, items.mean(), n=200)

    assert within_promise(coverage(draw, 1, repeats=1000))


def test_groups_and_items_both_count():
    """Five seeds of 50 prompts: an interval that ignored the seeds would cover about half the time."""

    def draw(rng):
        return hierarchical(rng.normal(rng.normal(0, 1, 5)[:, None], 3, (5, 50)))

    assert within_promise(coverage(draw, 0))


def test_many_groups_are_resampled_and_cover():
    def draw(rng):
        groups = rng.normal(rng.normal(0, 1, 60)[:, None], 1, (60, 10))
        return hierarchical(groups, resamples=1000, seed=int(rng.integers(2**31)))

    assert within_promise(coverage(draw, 0, repeats=1000))


def test_wilson_covers_on_average_over_proportions():
    shares = np.linspace(0.02, 0.98, 25)

    average = np.mean([coverage(lambda rng, p=p: wilson(rng.binomial(60, p), 60), p, 400) for p in shares])

    assert within_promise(average)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_clopper_pearson_never_covers_less_than_it_says(share):
    assert 0.9875 <= coverage(lambda rng: clopper_pearson(rng.binomial(50, share), 50), share)


@pytest.mark.parametrize(("ours", "theirs"), [(0.2, 0.1), (0.5, 0.3)])
def test_the_difference_of_two_proportions_covers(ours, theirs):
    def draw(rng):
        return newcombe((rng.binomial(30, ours), 30), (rng.binomial(45, theirs), 45))

    assert within_promise(coverage(draw, ours - theirs, repeats=2000))
    assert newcombe((0, 30), (0, 45)).low < 0 < newcombe((0, 30), (0, 45)).high  # no collapse at all proves little


def test_a_bootstrap_over_three_seeds_is_refused_because_it_covers_too_seldom():
    def naive(rng):
        values = rng.normal(0, 1, 3)
        draws = values[rng.integers(3, size=(1000, 3))].mean(axis=1)
        return percentile(draws, values.mean(), n=3)

    assert coverage(naive, 0, repeats=500) < 0.9
    with pytest.raises(ValueError, match="student_t"):
        bootstrap([1.0, 2.0, 3.0])


def test_joint_bootstrap_of_a_ratio_of_totals_covers():
    def draw(rng):
        over = rng.lognormal(0, 0.3, 60)
        both = (over, over / 2 * rng.lognormal(-0.02, 0.2, 60))
        return joint_bootstrap(lambda a, b: a.sum() / b.sum(), *both, resamples=400, seed=int(rng.integers(2**31)))

    assert within_promise(coverage(draw, 2, repeats=500))


@pytest.mark.parametrize("strayed", [0.0, 0.05])
def test_divergence_from_a_known_law_covers(strayed):
    """Of a share `strayed` of the draws another law gives each token; where none strays the divergence is 0."""
    law, other = np.random.default_rng(0).dirichlet(np.full(12, 5), size=2)
    drawn = (1 - strayed) * law + strayed * other
    truth = float(np.sum(drawn * np.log(drawn / law)))

    share = coverage(lambda rng: divergence(g_test(rng.multinomial(2_000, drawn), law)), truth, repeats=2000)

    assert share >= 0.98 if strayed == 0 else within_promise(share)


def test_a_sample_of_another_law_is_told_apart():
    law, other = np.random.default_rng(0).dirichlet(np.ones(12), size=2)
    own, strange = (g_test(np.random.default_rng(1).multinomial(5000, drawn), law) for drawn in (law, other))

    assert own.p_value > 0.01 > strange.p_value
    assert divergence(own).low == 0 < divergence(strange).low
    assert [0.04, 0.5] == pytest.approx(holm([0.02, 0.5]))
    assert own.freedom + strange.freedom == (own + strange).freedom
