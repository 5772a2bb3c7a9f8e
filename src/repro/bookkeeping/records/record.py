"""A record: a trial's result as its file holds it, with a digest that shows whether the file was edited."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

import pydantic.dataclasses
from pydantic import ConfigDict

from repro.floor.faults import DAMAGE, fault, printable
from repro.floor.identity import digest, rebuild, spell, spelled_key
from repro.floor.measurement import Measurement, Numbers, find

LARGEST = 16_384  # bytes; records are committed, and a page reads hundreds of them
Recorded = bool | int | float | str | None


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


@pydantic.dataclasses.dataclass(
    frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)
)
class Record:
    """A trial's result as it lies on disk; `reason` says why a diverged one has no numbers."""

    measurement: str
    version: int
    config: dict[str, Any]
    seed: int
    status: Literal["measured", "diverged"]
    numbers: dict[str, Recorded | list[Recorded]]
    provenance: dict[str, Any]
    reason: str = ""

    @property
    def key(self) -> str:
        """The name that these contents must have."""
        return spelled_key(self.measurement, self.version, self.config, self.seed)

    @property
    def digest(self) -> str:
        """The digest of all these contents, provenance too, which its file holds beside them."""
        return digest(vars(self))


def record_of(trial: Trial, numbers: Numbers | None, provenance: dict[str, Any], reason: str = "") -> Record:
    """The record of a trial that was measured (numbers) or that diverged (None and a reason)."""
    config = spell(trial.config)
    assert isinstance(config, dict)
    name, version = trial.measurement.name, trial.measurement.version
    status: Literal["measured", "diverged"] = "diverged" if numbers is None else "measured"
    measured: dict[str, Any] = dict(numbers or {})
    return Record(name, version, config, trial.seed, status, measured, provenance, reason)


class BrokenRecordError(ValueError):
    """A file where a record should be that is none, or not the one that its name or its digest says."""


def read_record(path: Path) -> Record:
    """The record in a file; one that was made before there were digests has none.

    Raises:
        BrokenRecordError: the file is cut off, foreign, edited or misnamed.
    """
    return read_file(path)[0]


def read_file(path: Path) -> tuple[Record, bool]:
    """The record in a file, and whether the file holds its digest."""
    try:
        text = _text_of(path)
        plain = json.loads(text, parse_constant=_refuse)
        if "\\ud" in text.lower():  # half of an emoji, which no file can hold
            json.dumps(plain, ensure_ascii=False).encode()
        noted = plain.pop("digest", None) if isinstance(plain, dict) else None
        record = Record(**plain)
        key, kind, now = record.key, record.measurement, record.digest
    except DAMAGE as error:
        raise BrokenRecordError(f"{path} is no record ({fault(error)}); delete it or restore it from git") from error
    if (key, kind) != (path.stem, path.parent.name):
        raise BrokenRecordError(
            f"{path} holds the record {printable(kind)}/{key[:12]}...; its name and contents must agree"
        )
    if noted not in (None, now):
        raise BrokenRecordError(
            f"{path} was edited: its digest is {printable(str(noted)[:12])}..., that of its contents {now[:12]}...; "
            "restore it from git, or delete it and measure again"
        )
    return record, noted is not None


def _text_of(path: Path) -> str:
    if path.exists() and not path.is_file():  # a folder; or a pipe, which would be waited for
        raise ValueError("no file")
    with path.open("rb") as opened:
        contents = opened.read(LARGEST + 1)
    if len(contents) > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes")
    return contents.decode()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}")


def text_of(record: Record) -> str:
    """What the file of a record holds: one value per line in a fixed order, so that git shows which one differs."""
    plain = {**vars(record), "digest": record.digest}
    return json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def trial_of(name: str, module: str, spelled: dict[str, Any], seed: int) -> Trial:
    """A trial rebuilt from its spelling, in a process that starts bare."""
    measurement = find(name, module)
    return Trial(measurement, rebuild(measurement.config_class, spelled), seed)
