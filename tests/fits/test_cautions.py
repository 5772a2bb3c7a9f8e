"""Approaches that cannot both be right are said to contradict one another; the others are not."""

from dataclasses import dataclass

import pytest

from repro.fits.cautions import about_contradictions
from repro.floor.estimate import LEVEL, Estimate


@dataclass(frozen=True)
class Optimal:
    """The best size at a budget."""

    N: Estimate
    beyond: float = 1.0
    budget: float = 1e21


@dataclass(frozen=True)
class Answer:
    """What one approach says."""

    number: int
    a: Estimate
    optima: tuple[Optimal, ...] = ()


def _answers(*exponents):
    return [Answer(number, Estimate(*three, LEVEL, 50)) for number, three in enumerate(exponents, start=1)]


@pytest.mark.parametrize(
    "exponents, pairs",
    [
        (((0.377, 0.319, 0.425), (0.843, 0.783, 0.881)), ["1 and 2"]),
        (((0.5, 0.4, 0.6), (0.55, 0.52, 0.58), (0.7, 0.65, 0.75)), ["1 and 3", "2 and 3"]),
        (((0.5, 0.45, 0.55), (0.58, 0.54, 0.62)), []),
        (((0.510, 0.509, 0.511), (0.514, 0.513, 0.515)), []),  # apart, and one plan
    ],
)
def test_intervals_that_do_not_meet_contradict(exponents, pairs):
    said = [words.partition(":")[0] for words in about_contradictions(_answers(*exponents))]

    assert [f"approaches {pair} contradict one another" for pair in pairs] == [
        words.partition(":")[0] for words in said
    ]


@pytest.mark.parametrize(("beyond", "count"), [(1.0, 1), (10.0, 0)])
def test_sizes_at_a_budget_contradict_within_the_runs(beyond, count):
    """Beyond the runs the exponents have said it already, or nobody knows."""
    small, large = (Estimate(N, N / 1.1, N * 1.1, LEVEL, 50) for N in (1e9, 3e9))
    answers = [
        Answer(number, Estimate(0.5, 0.4, 0.6, LEVEL, 50), (Optimal(N, beyond),))
        for number, N in ((2, small), (3, large))
    ]

    assert count == len(list(about_contradictions(answers)))
