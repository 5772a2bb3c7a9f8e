"""`repro compare`: a reader's own rerun beside the book's."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from repro.bookkeeping.ledger.verdict import Verdict
from repro.bookkeeping.ledger.verdict_files import load_verdicts
from repro.bookkeeping.records import read_record, record_paths


class Agreement(StrEnum):
    """How two runs of one check agree."""

    SAME = "same"
    DRIFT = "drift"
    FLIP = "flip"


@dataclass(frozen=True)
class Comparison:
    """One claim at one scale: the book's verdict, the reader's, and whether they agree.

    *flip*: another outcome. *drift*: the same outcome from intervals that do not overlap. *same*: neither.
    """

    claim: str
    scale: str
    agreement: Agreement
    book: Verdict
    reader: Verdict


def compare(book: Path, reader: Path) -> list[Comparison]:
    """Every claim and scale that both results folders have a verdict for.

    Raises:
        FileNotFoundError: the reader's folder holds no verdicts.
    """
    if not list((reader / "verdicts").glob("*.json")):
        raise FileNotFoundError(
            f"{reader} holds no verdicts/*.json; make one with REPRO_RESULTS={shlex.quote(str(reader))} repro run "
            "CHAPTER --scale cpu"
        )
    ours, theirs = load_verdicts(book), load_verdicts(reader)
    shared = [(c, s) for c in ours if c in theirs for s in ours[c] if s in theirs[c]]
    return [Comparison(c, s, agreement(ours[c][s], theirs[c][s]), ours[c][s], theirs[c][s]) for c, s in shared]


def agreement(book: Verdict, reader: Verdict) -> Agreement:
    """Same, drift or flip of one verdict."""
    if book.outcome is not reader.outcome:
        return Agreement.FLIP
    assert book.estimate is not None and reader.estimate is not None
    apart = book.estimate.high < reader.estimate.low or reader.estimate.high < book.estimate.low
    exact = book.estimate.is_exact or reader.estimate.is_exact
    close = abs(book.estimate.value - reader.estimate.value) <= 1e-6 * max(abs(book.estimate.value), 1e-12)
    return Agreement.DRIFT if apart and not (exact and close) else Agreement.SAME


def devices(results: Path) -> str:
    """The devices that a results folder's records were made on, most frequent first."""
    records = map(read_record, record_paths(results / "records"))
    counts = Counter(str(record.provenance.get("device", "unknown")) for record in records)
    return ", ".join(name for name, _ in counts.most_common()) or "no record"
