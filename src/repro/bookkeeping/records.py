"""Records: one trial, one file, written whole or not at all, the first writer wins."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

import pydantic.dataclasses
from pydantic import ConfigDict, ValidationError

from repro.floor.identity import rebuild, spell, spelled_key
from repro.floor.measurement import Measurement, Numbers, find, registered

LARGEST = 16_384  # bytes; records are committed, and a page reads hundreds of them


@dataclass(frozen=True)
class Trial:
    """One measurement with one configuration and one seed."""

    measurement: Measurement
    config: Any
    seed: int

    @cached_property
    def key(self) -> str:
        """The name of its record."""
        return self.measurement.key(self.config, self.seed)


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class Record:
    """A trial's result as it lies on disk; `reason` says why a diverged one has no numbers."""

    measurement: str
    version: int
    config: dict[str, Any]
    seed: int
    status: Literal["measured", "diverged"]
    numbers: dict[str, Any]
    provenance: dict[str, Any]
    reason: str = ""

    @property
    def key(self) -> str:
        """The name that these contents must have."""
        return spelled_key(self.measurement, self.version, self.config, self.seed)


def record_of(trial: Trial, numbers: Numbers | None, provenance: dict[str, Any], reason: str = "") -> Record:
    """The record of a trial that was measured (numbers) or that diverged (None and a reason)."""
    config = spell(trial.config)
    assert isinstance(config, dict)
    name, version = trial.measurement.name, trial.measurement.version
    status: Literal["measured", "diverged"] = "diverged" if numbers is None else "measured"
    return Record(name, version, config, trial.seed, status, dict(numbers or {}), provenance, reason)


class BrokenRecordError(ValueError):
    """A file where a record should be that is none, or not the one that its name says."""


def read_record(path: Path) -> Record:
    """The record in a file.

    Raises:
        BrokenRecordError: the file is cut off, foreign, edited or misnamed.
    """
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse))
        key, kind = record.key, record.measurement
    except (ValueError, TypeError) as error:
        raise BrokenRecordError(f"{path} is no record ({_why(error)}); delete it or restore it from git") from error
    if (key, kind) != (path.stem, path.parent.name):
        raise BrokenRecordError(f"{path} holds the record {kind}/{key[:12]}...; its name and contents must agree")
    return record


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}")


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
        return read_record(path) if path.exists() else None

    def put(self, record: Record) -> Record:
        """Write a record, unless its trial has one already; returns the one on disk.

        Raises:
            ValueError: it is larger than 16 KB, or holds NaN or an infinity.
        """
        text = json.dumps(vars(record), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        size = len(text.encode())
        if size > LARGEST:
            raise ValueError(
                f"a record of {record.measurement} has {size} bytes, at most {LARGEST}: store quantiles, not draws"
            )
        path = self.folder / record.measurement / f"{record.key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(suffix=".draft", dir=path.parent)
        try:
            with open(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(handle)
            os.chmod(draft, 0o644)  # a temporary file is private; a committed one is not
            os.link(draft, path)  # unlike a rename, fails where a record is, so the first writer wins
        except FileExistsError:
            return read_record(path)
        finally:
            os.unlink(draft)
        return record


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


@dataclass(frozen=True)
class Stale:
    """A record that no measurement of today would look up, and why."""

    path: Path
    why: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem[:12]}: {self.why}"


def stale_records(folder: Path) -> list[Stale]:
    """Every stale record; the modules that register measurements must have been imported."""
    reasons = ((path, _staleness(path)) for path in record_paths(folder))
    return [Stale(path, why) for path, why in reasons if why]


def _staleness(path: Path) -> str:
    try:
        record = read_record(path)
    except BrokenRecordError as error:
        return str(error)
    measurement = registered().get(record.measurement)
    if measurement is None:
        return f"there is no measurement {record.measurement}"
    if measurement.version != record.version:
        return f"made by version {record.version}, today's is {measurement.version}"
    return _outdated(measurement, json.dumps(record.config, sort_keys=True))


@cache  # the trials of a sweep differ in their seeds alone
def _outdated(measurement: Measurement, config: str) -> str:
    """Why no configuration of today is spelled like this one (JSON, names sorted); empty if one is."""
    try:
        today = spell(rebuild(measurement.config_class, json.loads(config)))
    except (ValueError, TypeError) as error:
        return str(error)
    return "" if json.dumps(today, sort_keys=True) == config else "its configuration spells another key today"


def prune(stale: list[Stale]) -> None:
    """Delete stale records."""
    for record in stale:
        record.path.unlink()


def trial_of(name: str, module: str, spelled: dict[str, Any], seed: int) -> Trial:
    """A trial rebuilt from its spelling, in a process that starts bare."""
    measurement = find(name, module)
    return Trial(measurement, rebuild(measurement.config_class, spelled), seed)
