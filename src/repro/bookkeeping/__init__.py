"""Ledger, records, sweeps, pages, studies and chapters: everything that knows no science."""
