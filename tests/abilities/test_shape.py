"""The rule that tells an abrupt ability from a smooth one, in worlds whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from repro.abilities.configurations import PlantedScores, Scores
from repro.abilities.estimates import emergence_score
from repro.abilities.measurements import score_shape
from repro.abilities.shape import ABRUPT, bend, by_benchmark, rescaled, seen_jumps, shapes, task_table
from repro.abilities.tables import named_scores, scores_of
from repro.statistics import clopper_pearson


def found(world: str, metric: str) -> list[str]:
    """The shapes that the rule finds in a planted world."""
    scores = Scores(source=PlantedScores(world=world), metric=metric)
    return list(task_table({**score_shape(scores, 0), "metric": metric})["shape"])


@pytest.mark.parametrize(
    ("world", "metric", "shape"),
    [
        ("mirage", "accuracy", "abrupt"),  # positive control: the metric alone makes the jump
        ("mirage", "log-likelihood", "smooth"),
        ("smooth", "accuracy", "smooth"),  # negative control
        ("smooth", "log-likelihood", "smooth"),
        ("abrupt", "accuracy", "abrupt"),  # and a real jump is seen by either metric
        ("abrupt", "log-likelihood", "abrupt"),
    ],
)
def test_the_rule_finds_what_was_planted(world: str, metric: str, shape: str):
    assert [shape] * 13 == found(world, metric)


def test_chance_scores_are_neither_abrupt_nor_smooth():
    """Of 200 tasks without any gain, the rate of 1 % lets hardly one through."""
    noise = np.random.default_rng(0).normal(size=(200, 30))
    table = pd.DataFrame([vars(bend(np.arange(30), y)) for y in noise])

    assert shapes(table).count("no gain") >= 199


def test_the_rule_sees_large_jumps_and_not_those_that_noise_covers():
    """So "no task is abrupt" may mean that jumps are small; a gain of nothing is not called abrupt."""
    places = np.repeat(np.linspace(19, 22, 8), 2)
    power = [seen_jumps(places, gain=gain, noise=0.02, among=15, tries=40) for gain in (0.0, 0.1, 0.8)]

    assert 0 == power[0] <= power[1] < 0.3 and power[2] > 0.9


def test_the_edge_between_abrupt_and_smooth_is_covered_as_stated():
    """On the edge itself, with noise that grows tenfold, one in a hundred is called abrupt or smooth."""
    x, generator = np.linspace(0, 2, 40), np.random.default_rng(1)
    edge = x + (ABRUPT - 1) * np.maximum(0, x - 1)
    noise = generator.normal(size=(1000, 40)) * np.linspace(0.05, 0.5, 40)
    p_values = np.array([bend(x, edge + row).p_abrupt for row in noise])

    covered = np.mean((p_values > 0.005) & (p_values < 0.995))  # a 99 % interval of the contrast
    assert 0.98 <= covered <= 0.997


def test_the_emergence_score_of_a_known_curve():
    """Steps of 1, 1, 1 and 7: a range of 10 over a median step of 1; falling curves count downward."""
    assert 10 == emergence_score([0, 1, 2, 3, 10])
    assert -10 == emergence_score([10, 3, 2, 1, 0])
    assert np.inf == emergence_score([0, 0, 0, 0, 1])


def test_parts_of_one_benchmark_are_counted_once():
    """Planted: nine tasks grow smoothly, one does not, and three more parts of a smooth one would tip the scale."""
    names = ["mmlu_stem", "mmlu_other", "mmlu_humanities", "mmlu_social_sciences", "odd", *"abcdefgh"]
    tasks = pd.DataFrame({"task": names, "metric": "accuracy", "shape": "smooth", "share": 0.5, "score": 2.0})
    tasks.loc[4, "shape"], tasks.loc[0, "share"], tasks.loc[0, "score"] = "unclear", 0.1, -6.0

    counted = by_benchmark(tasks)

    assert 0.5 < clopper_pearson(12, 13).low and 13 == len(tasks)
    assert clopper_pearson(int(counted["smooth"].sum()), len(counted)).low < 0.5
    assert [0.4, 3.0] == pytest.approx(list(counted.set_index("benchmark").loc["mmlu", ["share", "score"]]))
    tasks.loc[0, "shape"] = "unclear"  # a benchmark of which one part is unclear is not smooth
    assert 8 == by_benchmark(tasks)["smooth"].sum()


def test_a_readers_own_scores_are_read_by_task_and_metric(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
    rows = [(task, "accuracy", 10.0**c, c / 30 + c % 2 / 100) for task in ("a", "b") for c in range(18, 27)]
    pd.DataFrame(rows, columns=["task", "metric", "compute", "score"]).to_csv(tmp_path / "my.csv", index=False)

    [scores] = named_scores(str(tmp_path / "my.csv"))["my.csv"]

    assert ["a", "b"] == list(scores_of(scores, 0).columns)
    assert list(range(18, 27)) == pytest.approx(list(scores_of(scores, 0).index))
    assert ["smooth"] * 2 == list(task_table({**score_shape(scores, 0), "metric": "accuracy"})["shape"])


def test_what_is_neither_a_name_nor_a_file_is_said_to_be_so():
    with pytest.raises(ValueError, match=r"'publik'; expected planted, public or the path"):
        named_scores("publik")


def test_a_record_that_keeps_no_scores_has_no_curves():
    assert rescaled({"y": [], "tasks": ["a"], "x": [1.0], "metric": "accuracy"}).empty
