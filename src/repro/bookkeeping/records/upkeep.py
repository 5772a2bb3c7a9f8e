"""What a folder of records needs now and then: digests for those without, and stale ones found and dropped."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repro.bookkeeping.records.record import BrokenRecordError, read_file, read_record, text_of
from repro.bookkeeping.records.store import drafted, record_paths
from repro.floor.faults import DAMAGE, fault, printable
from repro.floor.identity import rebuild, spell
from repro.floor.measurement import Measurement, registered


@dataclass(frozen=True)
class Soundness:
    """What a folder of records lacks.

    Fields: `bare` the records without a digest, in which an edit cannot be seen: those from before there were any, and
    those that somebody took it from; `broken` what is said of each file that is no record, or was edited.
    """

    bare: list[Path]
    broken: list[str]


def soundness(folder: Path) -> Soundness:
    """Every record of a folder read, and its digest compared with its contents."""
    found = Soundness([], [])
    for path in record_paths(folder):
        try:
            if not read_file(path)[1]:
                found.bare.append(path)
        except BrokenRecordError as error:
            found.broken.append(str(error))
    return found


def give_digests(folder: Path) -> Soundness:
    """Give each record that has no digest its own, and change nothing else; returns what the folder lacked."""
    found = soundness(folder)
    for path in found.bare:
        with drafted(text_of(read_record(path)), path) as draft:
            os.replace(draft, path)
    return found


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
        return f"there is no measurement {printable(record.measurement)}"
    if measurement.version != record.version:
        return f"made by version {record.version}, today's is {measurement.version}"
    return _outdated(measurement, json.dumps(record.config, sort_keys=True))


@cache  # the trials of a sweep differ in their seeds alone
def _outdated(measurement: Measurement, config: str) -> str:
    """Why no configuration of today is spelled like this one (JSON, names sorted); empty if one is."""
    try:
        today = spell(rebuild(measurement.config_class, json.loads(config)))
    except DAMAGE as error:  # whatever a class refuses
        return fault(error)
    return "" if json.dumps(today, sort_keys=True) == config else "its configuration spells another key today"


def prune(stale: list[Stale]) -> None:
    """Delete stale records."""
    for record in stale:
        record.path.unlink()
