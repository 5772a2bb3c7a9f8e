"""The book's pages as pure functions of the site: text in, text out."""

from repro.bookkeeping.pages.fragments import fragments, write_pages

__all__ = ["fragments", "write_pages"]
