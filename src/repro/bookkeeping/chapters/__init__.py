"""Chapters: finding their notebooks, running them through papermill, gathering verdicts, deriving pages."""

from repro.bookkeeping.chapters.check import Drift, check
from repro.bookkeeping.chapters.comparison import Comparison, compare
from repro.bookkeeping.chapters.execution import Failed, execute
from repro.bookkeeping.chapters.notebook import Notebook, find_notebook, notebooks
from repro.bookkeeping.chapters.pages import derive_pages
from repro.bookkeeping.chapters.run import run

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
