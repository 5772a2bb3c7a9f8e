"""An archive of records: one file, as it travels from the machine where they were made to another one."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from repro.floor.faults import fault

LARGEST = 2**28  # bytes of all that an archive holds: ten times those of the book's own records
UNREADABLE = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError)


def pack(records: Iterable[Path], folder: Path, archive: Path) -> None:
    """Write records of a folder into an archive, as records/<measurement>/<key>.json.

    It is written aside and moved, so that a kill leaves the last whole one.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    beside = archive.with_suffix(".new")
    with tarfile.open(beside, "w:gz") as opened:
        for path in records:
            opened.add(path, f"records/{path.relative_to(folder)}")
    os.replace(beside, archive)


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The records of an archive in a folder, which is there as long as this is open; other files are passed over.

    Raises:
        ValueError: the file is no whole archive, or holds what no campaign packs: a link, a device, a path that leads
            out of its folder, or more bytes than any records have.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with (
                gzip.open(archive) as plain,
                tarfile.open(fileobj=io.BufferedReader(Bounded(plain)), mode="r|") as opened,
            ):
                for member in opened:
                    _unpack(member, opened, Path(folder))
            if not any(Path(folder).iterdir()):
                raise ValueError("it holds no records/<measurement>/<key>.json")
        except UNREADABLE as error:
            expected = "expected a results folder, or the records.tar.gz of a campaign"
            raise ValueError(f"{archive} cannot be read ({fault(error)}); {expected}") from error
        yield Path(folder)


class Bounded(io.RawIOBase):
    """A file of which at most `LARGEST` bytes are read: one of kilobytes may unpack to any size."""

    def __init__(self, plain: gzip.GzipFile) -> None:
        self._plain, self._left = plain, LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        count = self._plain.readinto(into)
        self._left -= count
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {LARGEST >> 20} MiB")
        return count


def _unpack(member: tarfile.TarInfo, opened: tarfile.TarFile, folder: Path) -> None:
    """Write a member that is a record by its place; one that no archive of records holds is an error."""
    place = PurePosixPath(member.name)
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{member.name!r} leads out of its folder")
    if not (member.isreg() or member.isdir()):
        raise ValueError(f"{member.name!r} is a link or a device")
    parts = place.parts[1:] if place.parts[:1] == ("records",) else place.parts
    contents = opened.extractfile(member)
    if contents is not None and len(parts) == 2 and place.suffix == ".json":
        beside = folder / "records" / parts[0]
        beside.mkdir(parents=True, exist_ok=True)
        (beside / parts[1]).write_bytes(contents.read())
