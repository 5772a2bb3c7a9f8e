"""Estimates and the intervals that each kind of sample deserves."""

from repro.floor.estimate import LEVEL, Estimate
from repro.statistics.divergence import GTest, divergence, g_test, holm
from repro.statistics.equivalence import within_margin
from repro.statistics.hull import hull
from repro.statistics.median import median_interval
from repro.statistics.multiplicity import Multiplicity, distance_p_value, multiplicity
from repro.statistics.proportion import clopper_pearson, newcombe, wilson
from repro.statistics.resampling import (
    FEWEST_SEEDS,
    bootstrap,
    hierarchical,
    joint_bootstrap,
    percentile,
    resampled_seeds,
)
from repro.statistics.seeds import geometric_t, paired_t, prediction_t, student_t
from repro.statistics.simultaneous import largest_mean
from repro.statistics.unimodality import dip, dip_p_value

__all__ = [
    "FEWEST_SEEDS",
    "LEVEL",
    "Estimate",
    "GTest",
    "Multiplicity",
    "bootstrap",
    "clopper_pearson",
    "dip",
    "dip_p_value",
    "distance_p_value",
    "divergence",
    "g_test",
    "geometric_t",
    "hierarchical",
    "holm",
    "hull",
    "joint_bootstrap",
    "largest_mean",
    "median_interval",
    "multiplicity",
    "newcombe",
    "paired_t",
    "percentile",
    "prediction_t",
    "resampled_seeds",
    "student_t",
    "wilson",
    "within_margin",
]
