"""Records: one trial, one file, kept by many writers at once, and never edited."""

from repro.bookkeeping.records.record import BrokenRecordError, Record, Trial, read_record, record_of, trial_of
from repro.bookkeeping.records.store import MergeReport, RecordStore, merge, record_paths
from repro.bookkeeping.records.upkeep import Soundness, give_digests, prune, soundness, stale_records

__all__ = [
    "BrokenRecordError",
    "MergeReport",
    "Record",
    "RecordStore",
    "Soundness",
    "Trial",
    "give_digests",
    "merge",
    "prune",
    "read_record",
    "record_of",
    "record_paths",
    "soundness",
    "stale_records",
    "trial_of",
]
