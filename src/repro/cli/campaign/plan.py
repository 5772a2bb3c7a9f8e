"""The plan of a campaign: what each slice should take, how much of it is on record, and what it settles."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from repro.bookkeeping.campaign import Outlook, Slice

COLUMNS = ("slice", "claims", "operations", "launches", "predicted", "limit", "on record")


def table_of(slices: Sequence[Slice], outlooks: Sequence[Outlook], scale: str) -> Table:
    """A row per slice."""
    seconds, limits = sum(one.predicted for one in slices), sum(one.within for one in slices)
    table = Table(
        title=f"{len(slices)} slices at scale {scale}",
        caption=f"Predicted, at scale gpu: {seconds:.0f} s in all, with limits of {limits:.0f} s. "
        "Launches: alone + in graphs. +: sweeps after one that is not whole are not counted.",
    )
    for name in COLUMNS:
        table.add_column(name, no_wrap=True, justify="left" if name == COLUMNS[0] else "right")
    for one, outlook in zip(slices, outlooks, strict=True):
        launches = f"{one.launches:.1e} + {one.replayed:.1e}"
        counts = f"{one.operations:.1e}", launches, f"{one.predicted:.0f} s", f"{one.within:.0f} s"
        table.add_row(one.notebook, str(len(one.settles)), *counts, str(outlook))
    return table


def claims_of(slices: Sequence[Slice], width: int) -> str:
    """What each slice settles, a paragraph per slice."""
    paragraphs = (f"{one.notebook} settles {', '.join(one.settles)}." for one in slices)
    return "\n".join(
        textwrap.fill(words, width, subsequent_indent="    ", break_on_hyphens=False) for words in paragraphs
    )
