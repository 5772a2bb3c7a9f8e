"""Estimates and the intervals that each kind of sample deserves."""

from repro.floor.statistics.divergence import GTest, divergence, g_test, holm
from repro.floor.statistics.equivalence import within_margin
from repro.floor.statistics.estimate import LEVEL, Estimate
from repro.floor.statistics.multiplicity import Multiplicity, distance_p_value, multiplicity
from repro.floor.statistics.proportion import clopper_pearson, newcombe, wilson
from repro.floor.statistics.resampling import bootstrap, hierarchical, joint_bootstrap, percentile
from repro.floor.statistics.seeds import geometric_t, paired_t, student_t
from repro.floor.statistics.unimodality import dip, dip_p_value

__all__ = [
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
    "joint_bootstrap",
    "multiplicity",
    "newcombe",
    "paired_t",
    "percentile",
    "student_t",
    "wilson",
    "within_margin",
]
