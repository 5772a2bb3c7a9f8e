"""The folder of records: each written whole or not at all, the first writer wins; and taking in another folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro.bookkeeping.records.record import LARGEST, Record, Trial, read_record, text_of


class RecordStore:
    """The folder results/records; several processes and machines may write into it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, trial: Trial) -> Path:
        """Where the trial's record lies, or would lie."""
        return self.folder / trial.measurement.name / f"{trial.key}.json"

    def get(self, trial: Trial) -> Record | None:
        """The trial's record, if there is one."""
        path = self.path(trial)
        return read_record(path) if os.path.lexists(path) else None  # a link that leads nowhere is no absent record

    def put(self, record: Record) -> Record:
        """Write a record, unless its trial has one already; returns the one on disk.

        Raises:
            ValueError: it is larger than 16 KB, or holds NaN or an infinity.
        """
        text = text_of(record)
        size = len(text.encode())
        if size > LARGEST:
            raise ValueError(
                f"a record of {record.measurement} has {size} bytes, at most {LARGEST}: store quantiles, not draws"
            )
        path = self.folder / record.measurement / f"{record.key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(text, path) as draft:
            try:
                os.link(draft, path)  # unlike a rename, fails where a record is, so the first writer wins
            except FileExistsError:
                return read_record(path)
        return record


@contextmanager
def drafted(text: str, path: Path) -> Iterator[str]:
    """A whole file with this text beside `path`, which is gone at the end unless it was moved."""
    handle, draft = tempfile.mkstemp(suffix=".draft", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(handle)
        os.chmod(draft, 0o644)  # a temporary file is private; a committed one is not
        yield draft
    finally:
        Path(draft).unlink(missing_ok=True)


@dataclass
class MergeReport:
    """What taking in another folder's records did: counts, and the files that were left out and why."""

    new: int
    identical: int
    conflicting: list[str]
    malformed: list[str]


def merge(source: Path, into: Path) -> MergeReport:
    """Take in the records of another machine; a conflict (other numbers for one trial) keeps ours and is listed.

    Args:
        source: a results folder, or its records folder.

    Raises:
        FileNotFoundError: `source` holds no records.
    """
    folder = source / "records" if (source / "records").is_dir() else source
    if not any(record_paths(folder)):
        raise FileNotFoundError(f"{source} holds no records (<measurement>/<64 hexadecimal digits>.json)")
    report, store = MergeReport(0, 0, [], []), RecordStore(into)
    for path in sorted(folder.glob("*/*.json")):
        known = (into / path.parent.name / path.name).exists()
        try:
            record = read_record(path)
            ours = store.put(record)
        except ValueError as error:
            report.malformed.append(str(error))
            continue
        if not known:
            report.new += 1
        elif (ours.status, ours.numbers) == (record.status, record.numbers):
            report.identical += 1
        else:
            report.conflicting.append(f"{record.measurement}/{path.name}: ours is kept")
    return report


def record_paths(folder: Path) -> Iterator[Path]:
    """The files of a folder that have a record's name."""
    return (path for path in sorted(folder.glob("*/*.json")) if re.fullmatch("[0-9a-f]{64}", path.stem))
