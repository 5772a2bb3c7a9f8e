"""The book's pages as pure functions of ledger, verdicts, articles and changelog: text in, text out."""

from repro.bookkeeping.pages.fragments import fragments, write_pages
from repro.bookkeeping.pages.site import Site, gather

__all__ = ["Site", "fragments", "gather", "write_pages"]
