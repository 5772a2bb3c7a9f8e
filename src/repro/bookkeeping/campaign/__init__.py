"""Campaigns: a declared list of slices, run in order within a time, and what they bring home."""

from repro.bookkeeping.campaign.course import Entry, run_slices
from repro.bookkeeping.campaign.luggage import Luggage
from repro.bookkeeping.campaign.outlook import Outlook, outlooks
from repro.bookkeeping.campaign.slices import Slice, choose, load_slices, refuse_unfit_knobs

__all__ = [
    "Entry",
    "Luggage",
    "Outlook",
    "Slice",
    "choose",
    "load_slices",
    "outlooks",
    "refuse_unfit_knobs",
    "run_slices",
]
