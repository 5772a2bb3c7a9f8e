"""What is read off curves over sizes, where the truth is planted."""

import numpy as np
import pandas as pd
import pytest

from repro.abilities.estimates import (
    by_seed,
    cut_off,
    gain_over_seeds,
    has_learned,
    jumps,
    mean_score_ratio,
    misses,
    nearest_half,
    product_room,
    question_loss,
    score_ratios,
    share_over_seeds,
    unforeseen,
)
from repro.corpora.languages.problems import Problems
from repro.statistics import paired_t, student_t

SIZES = [10.0, 20.0, 40.0, 80.0, 160.0, 320.0]


def curves(*rows: list[float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=SIZES)


def test_a_straight_rise_is_no_jump_and_a_stair_is_one():
    line, stair = list(np.linspace(0, 1, 6)), [0.0, 0, 0, 1, 1, 1]

    assert [1, 1, 1] == pytest.approx(list(jumps(curves(line, line, line))))
    assert [5, 5, 5] == pytest.approx(list(jumps(curves(stair, stair, stair))))


def test_seeds_that_jump_at_different_sizes_make_no_common_jump():
    """A mean over seeds is smooth then, and no seed is credited with a step that it chose itself."""
    early, middle, late = [0.0, 1, 1, 1, 1, 1], [0.0, 0, 0, 1, 1, 1], [0.0, 0, 0, 0, 0, 1]

    assert [0, 0, 0] == list(jumps(curves(early, middle, late)))


def test_a_line_is_foreseen_and_a_stair_is_not():
    line, stair = list(np.linspace(0, 1, 6)), [0.0, 0, 0, 1, 1, 1]

    assert 0 == pytest.approx(unforeseen(curves(line))[0], abs=1e-9)
    assert 1 == pytest.approx(unforeseen(curves(stair))[0])


def test_a_power_of_a_smooth_score_has_the_larger_emergence_score():
    """The manufactured mirage: the same models, raised to the twentieth power; and a metric against itself."""
    smooth = curves([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])

    assert score_ratios(smooth**20, smooth, items=1000)[0] > 5
    assert 1 == score_ratios(smooth, smooth, items=1000)[0]


def test_seeds_that_hardly_learn_do_not_rule_the_ratio_of_scores():
    """Planted: twelve seeds rise evenly by both metrics alike, and four divide noise by noise."""
    rng, rise = np.random.default_rng(0), np.linspace(0, 1, 6)
    learned = [list(rise + rng.normal(0, 0.01, 6)) for _ in range(12)]
    idle = [[0.0, 0, 0, 0, 0, 0.05 + 0.001 * seed] for seed in range(4)]
    even = [list(rise / 20)] * 4
    ours, theirs = curves(*learned, *idle), curves(*learned, *even)

    assert student_t(score_ratios(ours, theirs, items=1000)).value > 2
    one = mean_score_ratio(ours, theirs, items=1000)
    assert 0.9 < one.low <= 1 <= one.high < 1.2
    with pytest.raises(ValueError, match="9 seeds; resampling needs at least 12"):
        mean_score_ratio(ours[:9], theirs[:9], items=1000)


def test_a_metric_that_stays_at_zero_has_a_finite_score():
    """Its usual step is the least that the test can show: one of 1,000 problems."""
    flat, line = curves([0.0, 0, 0, 0, 0, 1]), curves(list(np.linspace(0, 1, 6)))

    assert 1000 / 5 == pytest.approx(score_ratios(flat, line, items=1000)[0])


def test_models_that_guess_among_fewer_values_have_learned_nothing():
    """Planted: a guess among seven values of which each example takes one away; it gains a sixth, beyond any doubt."""
    rng = np.random.default_rng(0)
    after_one, after_all = (1 / left + rng.normal(0, 0.01, 5) for left in (6, 3))

    assert 0.1 < paired_t(after_all, after_one).low
    assert not has_learned(list(after_all), guess=1 / 3)
    assert has_learned([0.7, 0.6], guess=1 / 3)


def test_losses_are_turned_round_and_diverged_runs_left_out():
    runs = pd.DataFrame(
        {
            "seed": [0, 0, 1],
            "parameters": [10, 20, 10],
            "cross_entropy": [2.0, 1.0, 9.0],
            "diverged": [False, False, True],
        }
    )

    assert [[-2.0, -1.0]] == by_seed(runs, "cross_entropy").to_numpy().tolist()


def planted(generator: np.random.Generator, *, by_loss: bool) -> pd.DataFrame:
    """Runs whose score follows from the loss, which differs by seed; or from the size, and the loss means nothing."""
    seed, size = (part.ravel() for part in np.mgrid[0:6, 1:9])
    loss = 8 - size + generator.normal(scale=2, size=seed.size)
    score = -loss if by_loss else 1.0 * size
    return pd.DataFrame({"seed": seed, "parameters": size, "loss": loss, "score": score, "diverged": False})


def test_the_axis_that_tells_the_score_misses_less():
    for by_loss in (True, False):
        runs = planted(np.random.default_rng(0), by_loss=by_loss)
        gained = misses(runs, "score", along="parameters") - misses(runs, "score", along="loss")

        assert ((gained > 0) == by_loss).all()


def test_a_product_is_judged_where_dependent_places_could_make_it_err():
    """Planted: places that are right together or not at all. With one place perfect the product cannot tell."""
    rng = np.random.default_rng(0)
    together = rng.random(100_000) < 0.4
    perfect, both = (np.stack([together, other], axis=1) for other in (np.ones_like(together), together))

    for hits, room in ((perfect, 0.0), (both, 0.24)):
        places = hits.mean(axis=0).tolist()
        error = np.prod(places) - hits.all(axis=1).mean()
        assert room == pytest.approx(product_room(places), abs=0.01) == pytest.approx(abs(error), abs=0.01)


def test_the_loss_on_the_question_knows_nothing_of_the_answer():
    """Planted: the same question's loss, and answers of two abilities; the loss on whole lines tells them apart."""
    problems = Problems(family="reversed addition", size=2)
    answers = np.array([2.0, 0.1])
    whole = (6 * 1.5 + 3 * answers) / 9
    runs = pd.DataFrame({"validation_loss": whole, "cross_entropy": answers})

    assert [1.5, 1.5] == pytest.approx(list(question_loss(runs, problems)))
    assert 0.5 < np.ptp(whole)


def test_seeds_that_agree_to_the_last_answer_have_an_interval_over_the_answers_counted_once():
    alike = share_over_seeds([1.0] * 5, 1_000)

    assert 1 == alike.value and 0.99 < alike.low < 1 and 1_000 == alike.n
    assert student_t([0.9, 1.0]) == share_over_seeds([0.9, 1.0], 1_000)
    gain = gain_over_seeds([1.0, 1.0], [0.5, 0.5], 1_000)
    assert 0.5 == gain.value and 0.45 < gain.low < gain.high < 0.55
    assert paired_t([1.0, 0.9], [0.5, 0.5]) == gain_over_seeds([1.0, 0.9], [0.5, 0.5], 1_000)


def test_the_size_nearest_the_middle_of_the_range():
    assert 80 == nearest_half(curves([0.0, 0, 0, 0, 1, 1], [0.0, 0, 0, 1, 1, 1]))


def test_a_threshold_makes_a_stair_of_a_line():
    """The manufactured mirage again: an answer counts where at least two of three tokens are right."""
    shares = np.linspace(0, 1, 6)
    at_least = [[1 - (1 - p) ** 3, p**2 * (3 - 2 * p), p**3] for p in shares]
    runs = pd.DataFrame({"exact_match": shares**3, "at_least": at_least, "surer_than": [[0.0] * 3] * 6})
    flat = dict.fromkeys(("answer_probability", "token_accuracy", "edit_distance", "brier", "cross_entropy"), 0.0)

    wide, names = cut_off(runs.assign(**flat, numeric_error=None))

    assert {"exact_match", "at least 1 of 3 tokens", "at least 2 of 3 tokens"} == set(names)
    assert list(shares**2 * (3 - 2 * shares)) == pytest.approx(list(wide["at least 2 of 3 tokens"]))
