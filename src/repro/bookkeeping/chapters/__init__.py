"""Chapters: finding their notebooks, running them through papermill, gathering verdicts, deriving pages."""

from repro.bookkeeping.chapters.check import Drift, check
from repro.bookkeeping.chapters.comparison import Comparison, compare
from repro.bookkeeping.chapters.execution import Failed, execute, side_by_side
from repro.bookkeeping.chapters.kernels import Server
from repro.bookkeeping.chapters.pages import derive_pages
from repro.bookkeeping.chapters.run import Run, run
from repro.bookkeeping.notebooks import Notebook, find_notebook, notebooks

__all__ = [
    "Comparison",
    "Drift",
    "Failed",
    "Notebook",
    "Run",
    "Server",
    "check",
    "compare",
    "derive_pages",
    "execute",
    "find_notebook",
    "notebooks",
    "run",
    "side_by_side",
]
