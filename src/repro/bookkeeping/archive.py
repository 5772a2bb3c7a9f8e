"""An archive of records: one file, as it travels from the machine where they were made to another one."""

from __future__ import annotations

import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """The contents of an archive in a folder, which is there as long as this is open.

    Raises:
        ValueError: the file is no whole archive, or one that would write outside of that folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(archive, "r:gz") as opened:
                opened.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise ValueError(
                f"{archive} cannot be read ({error}); expected a results folder, or the records.tar.gz of a campaign"
            ) from error
        yield Path(folder)
