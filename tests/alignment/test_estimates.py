"""Choosing among trained arms without gold, and comparing them at equal KL, on planted tables."""

import math

import numpy as np
import pandas as pd
import pytest

from repro.alignment.estimates import (
    at_best_look,
    at_equal_kl,
    best_rate,
    best_trials,
    gaps_at_equal_kl,
    has_collapsed,
    have_lost,
    level_table,
    levels_within,
    on_shared_range,
    pairs_needed,
    range_of_rates,
    shared_ranges,
    shares_at_equal_kl,
)
from repro.statistics import clopper_pearson, paired_t, student_t


def test_gold_chooses_nothing():
    """The row of least own loss is kept, whatever it reached; planted: the best by gold has the worst own loss."""
    table = pd.DataFrame({"method": "m", "seed": 0, "rate": [1, 2], "own_loss": [0.5, 0.4], "reached": [0.9, 0.1]})

    assert [2] == list(best_trials(table, by=["method"])["rate"])


def test_gold_is_read_between_points_and_never_beyond_them():
    """On lines over the root of KL: a quarter of the KL is half of the way."""
    assert 1.5 == at_equal_kl([4.0, 1.0], [3.0, 2.0], level=0.25, origin=1.0)
    with pytest.raises(ValueError, match="no policy reaches KL 3"):
        at_equal_kl([2.0, 1.0], [3.0, 2.0], level=3, origin=1.0)


def test_a_third_method_that_stays_near_does_not_stand_in_the_way_of_two():
    table = pd.DataFrame({"method": ["a", "b", "c"], "seed": 0, "kl": [2.0, 2.0, 0.1], "gold": [3.0, 2.0, 9.0]})

    assert [0.5] == gaps_at_equal_kl(table.assign(gold_start=0.0), "a", "b", levels=[0.5])


def test_the_best_rate_is_a_planted_vertex_and_never_beyond_the_grid():
    """Planted: losses that are a parabola over the logarithm of the rate, least at 2e-3."""
    rates = [1e-2, 1e-4, 1e-3]
    losses = [0.5 + math.log(rate / 2e-3) ** 2 for rate in rates]

    assert 2e-3 == pytest.approx(best_rate(rates, losses))
    assert 1e-4 == pytest.approx(best_rate(rates, [1.0, 0.2, 0.5]))
    assert 1e-3 == pytest.approx(best_rate(rates, [math.nan, 0.5, 0.2]))


def test_pairs_needed_are_read_off_a_planted_curve_and_a_better_end_is_no_need():
    """Planted: the gain over a coin doubles with each tenfold of pairs; then one that hundreds teach all there is."""
    counts = [10, 100, 1_000, 10_000]
    doubling, early = [0.55, 0.6, 0.7, 0.9], [0.5, 0.88, 0.89, 0.9]

    assert [10_000 ** (0.9 / 1) * 1_000**0.1] == pytest.approx(pairs_needed(counts, [doubling], floor=0.5))
    assert doubling[-1] - doubling[0] > early[2] - early[1] > 0  # "more pairs are better" holds of both
    assert pairs_needed(counts, early, floor=0.5) < 300 < 1_000 < pairs_needed(counts, doubling, floor=0.5)
    assert 10 == pytest.approx(float(pairs_needed(counts, [0.9, 0.9, 0.9, 0.9], floor=0.5)))


def test_never_is_judged_by_each_training_and_not_by_their_mean():
    """Planted: 5 of 16 trainings lose a little and the others gain much, so the mean rises beyond doubt."""
    before = [1.0] * 16
    after = [0.9] * 5 + [2.0 + 0.01 * seed for seed in range(11)]

    assert 0 < paired_t(after, before).low
    assert 0.05 < clopper_pearson(int(have_lost(after, before).sum()), 16).low
    assert 0 == have_lost(after, before, more_than=0.25).sum()
    with pytest.raises(ValueError, match="leave diverged runs out"):
        have_lost([math.nan, 1.0], [1.0, 1.0])


def test_what_half_of_trainings_lose_is_not_hidden_by_what_the_others_gain():
    """Planted: without a penalty half lose 2 and half gain 2, with one all gain a little, which means cannot tell."""
    start, wild = np.ones(16), 1 + np.resize([-2.0, 2.1], 16)
    held = start + 0.2

    assert paired_t(list(held), list(wild)).low < 0
    assert 0.1 <= clopper_pearson(int(have_lost(wild, start, more_than=0.25).sum()), 16).low
    assert not have_lost(held, start, more_than=0.25).any()


def test_a_planted_share_of_the_most_is_found_at_equal_kl():
    """Planted: one gains half of the most at each KL, another nothing."""
    kl = np.array([0.1, 0.4])
    most = {"kl": kl, "best_gain": np.sqrt(kl), "seed": 0}
    table = pd.concat(
        [
            pd.DataFrame(most | {"method": name, "gain": share * np.sqrt(kl)})
            for name, share in (("half", 0.5), ("none", 0.0))
        ]
    )

    assert [0.5] == pytest.approx(shares_at_equal_kl(table, "half", [0.05, 0.3]))
    assert [0.0] == shares_at_equal_kl(table, "none", [0.05, 0.3])


def relatives(share: float, kl: dict[str, list[float]]) -> pd.DataFrame:
    """Ten seeds of DPO, which gains the root of KL, and of a relative that gains a share of it, at the KL given."""
    rows = []
    for seed in range(10):
        for method, of_root in (("DPO", 1.0), ("relative", share)):
            points = np.array(kl[method]) * (1 + 0.01 * seed)
            gains = of_root * np.sqrt(points) * (1 + 0.001 * seed)
            rows.append(pd.DataFrame({"method": method, "seed": seed, "kl": points, "gain": gains, "gain_start": 0.0}))
    return pd.concat(rows, ignore_index=True)


def test_a_margin_wider_than_the_effect_supports_nothing():
    """Planted: at KL of 0.001 DPO gains 0.03 and the relative nothing: less than 0.05 behind, and yet not near."""
    near = relatives(0.0, {"DPO": [0.0005, 0.002], "relative": [0.001, 0.001]})

    behind = student_t(gaps_at_equal_kl(near, "relative", "DPO", [0.0008], "gain"))
    share = student_t(np.divide(*on_shared_range(near, "relative", "DPO", "gain")))

    assert -0.05 <= behind.low  # as the first region had it
    assert share.high < 0.7


@pytest.mark.parametrize("how", [{}, {"levels": 1}, {"root": False}])
def test_a_planted_share_of_gain_is_found_where_both_have_points(how: dict[str, int]):
    table = relatives(0.8, {"DPO": [0.1, 0.5, 2.0], "relative": [0.1, 0.5, 2.0, 3.0]})

    assert [0.8] * 10 == pytest.approx(np.divide(*on_shared_range(table, "relative", "DPO", "gain", **how)))


def test_no_share_is_read_on_a_line_from_the_reference():
    """Planted: the relative has no point nearer than DPO's farthest in nine seeds of ten, so one alone speaks."""
    apart = relatives(0.5, {"DPO": [0.1, 1.0], "relative": [1.5, 3.0]})
    apart.loc[(apart["seed"] == 4) & (apart["kl"] > 1) & (apart["method"] == "DPO"), "kl"] = 2.0

    assert [4] == list(shared_ranges(apart, "DPO")["seed"])
    assert (1, 1) == tuple(map(len, on_shared_range(apart, "relative", "DPO", "gain")))
    with pytest.raises(ValueError, match="relative and DPO have no KL in common in any seed"):
        on_shared_range(apart[apart["seed"] != 4], "relative", "DPO", "gain")


def test_the_range_of_good_rates_is_a_planted_width_whatever_the_unit_of_the_gain():
    """Planted: gains fall by a tenth of the best per half decade on one side, and at once on the other."""
    rates, gains = [1e-2, 1e-4, 1e-3, 1e-1], [2.0, 1.6, 1.8, 0.0]

    assert 1 + 0.1 == pytest.approx(range_of_rates(rates, gains, within=0.1), abs=1e-3)
    assert 2 + 0.2 == pytest.approx(range_of_rates(rates, [100 * gain for gain in gains], within=0.2), abs=1e-3)
    with pytest.raises(ValueError, match="hold none above 0"):
        range_of_rates(rates, [0.0, -1.0, 0.0, 0.0], within=0.1)


def test_a_closer_reading_takes_the_place_of_the_look_that_chose():
    """Where it was made: the other training keeps its own."""
    looks = pd.DataFrame({"gold": [[1.0, 2.0, 3.0]] * 2, "look": [1, 2], "gold_closely": [[1.1, 2.2], np.nan]})

    read = at_best_look(looks, ["gold"])

    assert [[1.1, 1.0], [2.2, 3.0], [3.0, 3.0]] == [list(read[name]) for name in ("gold_start", "gold", "gold_end")]


def table() -> pd.DataFrame:
    """Two methods, of which PPO is planted to lie 0.5 above DPO at every KL; seed 1's PPO ends in nonsense."""
    rows = []
    for seed in (0, 1):
        for method, above in (("DPO", 0.0), ("PPO", 0.5)):
            for kl in (0.4, 2.0):
                valid = [0.9, 0.1] if (seed, method) == (1, "PPO") else [0.9, 0.8]
                rows.append(
                    {
                        "method": method,
                        "seed": seed,
                        "look": 1,
                        "kl": [0.0, kl],
                        "valid": valid,
                        "gold": [1.0, 1.0 + kl**0.5 + above],
                    }
                )
    return at_best_look(pd.DataFrame(rows), ["gold", "kl", "valid"])


def test_a_planted_gap_is_found_at_equal_kl_and_levels_out_of_reach_are_left_out():
    assert [0.5, 0.5] == pytest.approx(gaps_at_equal_kl(table(), "PPO", "DPO", [1.0, 9.0]))
    with pytest.raises(ValueError, match="no level"):
        gaps_at_equal_kl(table(), "PPO", "DPO", [9.0])


def test_levels_are_shares_of_what_all_reach_and_a_planted_column_is_read_at_each():
    """Planted: DPO's gold is 1 plus the root of KL. A training that diverged changes nothing."""
    trials = pd.concat([table(), pd.DataFrame({"method": ["DPO"], "seed": [0], "kl": [np.nan]})])
    levels = levels_within(trials, [0.25, 0.5])
    lines = level_table(trials, levels, ["gold"])

    assert [0.5, 1.0] == levels
    assert [1.0 + 0.5**0.5, 2.0] == pytest.approx(list(lines[lines["method"] == "DPO"]["value"]))
    assert (lines["low"] <= lines["value"]).all() and (lines["value"] <= lines["high"]).all()


def test_a_collapse_is_counted_and_a_training_that_diverged_is_one():
    trials = table()
    lost = pd.DataFrame({"valid": [np.nan], "look": [np.nan]})

    assert [False] * 6 + [True] * 2 == list(has_collapsed(trials))
    assert [True] == list(has_collapsed(at_best_look(lost, ["valid"])))
