"""Sweeps: many trials, looked up or run, by an engine that only knows work and results."""

from repro.bookkeeping.sweeps.deadline import OutOfTime, seconds_of
from repro.bookkeeping.sweeps.settings import EngineSettings
from repro.bookkeeping.sweeps.sweep import Incomplete, MissingRecords, SweepFailed, Swept, sweep

__all__ = ["EngineSettings", "Incomplete", "MissingRecords", "OutOfTime", "SweepFailed", "Swept", "seconds_of", "sweep"]
