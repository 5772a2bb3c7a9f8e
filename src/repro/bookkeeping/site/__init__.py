"""What the pages are a function of: ledger, verdicts, parts, articles, findings and questions, gathered once."""

from repro.bookkeeping.site.gathering import Site, gather

__all__ = ["Site", "gather"]
