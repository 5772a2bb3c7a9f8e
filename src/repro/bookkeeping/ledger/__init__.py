"""The ledger: what is claimed, what would settle it, and the one rule that turns an estimate into a verdict."""

from repro.bookkeeping.ledger.claim import Certainty, Claim, Kind, Reach, Region, load_chapter, load_ledger
from repro.bookkeeping.ledger.history import RegionChange, region_changes
from repro.bookkeeping.ledger.outcomes import final_outcomes
from repro.bookkeeping.ledger.state import State, is_by_a_hair, state
from repro.bookkeeping.ledger.verdict import Choice, Outcome, Verdict, is_alarm, judge, judge_rival, sensitivity

__all__ = [
    "Certainty",
    "Choice",
    "Claim",
    "Kind",
    "Outcome",
    "Reach",
    "Region",
    "RegionChange",
    "State",
    "Verdict",
    "final_outcomes",
    "is_alarm",
    "is_by_a_hair",
    "judge",
    "judge_rival",
    "load_chapter",
    "load_ledger",
    "region_changes",
    "sensitivity",
    "state",
]
