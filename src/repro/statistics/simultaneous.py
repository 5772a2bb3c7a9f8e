"""The largest of several means over the same seeds, with an interval that holds whichever of them is the largest."""

from __future__ import annotations

from collections.abc import Sequence

from repro.floor.estimate import LEVEL, Estimate
from repro.statistics.seeds import student_t


def largest_mean(arms: Sequence[Sequence[float]], *, level: float = LEVEL, unit: str = "") -> Estimate:
    """The largest of the arms' means, with the interval of the largest of their true means.

    An arm that is picked because it came out largest is on average luckier than it is good, so the interval of that arm
    alone starts too high. Here the lower end is the highest of the arms' lower ends, each at a k-th of the chance of
    error (Bonferroni over k arms), and the upper end the highest of their plain upper ends, of which that of the truly
    largest arm is one. With the signs turned it is the least mean.

    Args:
        arms: (k, n) one number per seed in each of k arms, k >= 1; seeds may be paired or not.

    Source: Berger 1982, Multiparameter hypothesis testing and acceptance sampling, for the upper end.
    """
    if not len(arms):
        raise ValueError("no arms; the largest mean is taken over at least one")
    strict = [student_t(arm, level=1 - (1 - level) / len(arms)) for arm in arms]
    plain = [student_t(arm, level=level) for arm in arms]
    n = min(one.n for one in plain)
    return Estimate(
        max(one.value for one in plain),
        max(one.low for one in strict),
        max(one.high for one in plain),
        level,
        n,
        unit,
        f"Student's t over {n} seeds, largest of {len(arms)} means",
    )
