"""Chapters: finding their notebooks, running them through papermill, gathering verdicts, deriving pages."""

from repro.bookkeeping.chapters.check import Drift, check
from repro.bookkeeping.chapters.comparison import Comparison, compare
from repro.bookkeeping.chapters.execution import Failed, execute
from repro.bookkeeping.chapters.pages import derive_pages
from repro.bookkeeping.chapters.run import run
from repro.bookkeeping.notebooks import Notebook, find_notebook, notebooks

__all__ = [
    "Comparison",
    "Drift",
    "Failed",
    "Notebook",
    "check",
    "compare",
    "derive_pages",
    "execute",
    "find_notebook",
    "notebooks",
    "run",
]
