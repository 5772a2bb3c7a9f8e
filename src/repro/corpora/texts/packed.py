"""Token files: packed, memory-mapped, keyed by content, checked whenever they are opened."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SPLITS = ("train", "test")
ABOUT = "about.json"


class Damaged(ValueError):
    """A file of the cache is not what was written there."""


@dataclass(frozen=True)
class Pack:
    """The tokens of a text as they lie on disk.

    Fields: `train` and `test` (tokens,) uint16 or uint32, read-only and mapped into memory; `about` what their maker
    said of them; `sha256` over both splits.
    """

    train: np.ndarray
    test: np.ndarray
    about: dict[str, Any]
    sha256: str


def open_or_make(folder: Path, make: Callable[[Path], dict[str, Any]]) -> Pack:
    """The pack in `folder`; made there first if it is absent or damaged.

    Several processes may ask at once: each makes it aside, the first to finish puts it in place, all open that one.

    Args:
        make: writes train.bin and test.bin with `write_tokens` into the folder it is given, and says what to keep in
            `about`; "dtype" is asked for.
    """
    try:
        return open_pack(folder)
    except FileNotFoundError:
        pass
    except Damaged:
        _set_aside(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:8]}."))
    try:
        about = make(aside)
        (aside / ABOUT).write_text(json.dumps({**about, "sha256": _sums(aside)}, indent=1), encoding="utf-8")
        try:
            os.rename(aside, folder)
        except OSError:  # not empty: another process was first
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return open_pack(folder)


def open_pack(folder: Path) -> Pack:
    """Map a pack and check every byte of it: 0.1 s for 100 MB.

    Raises:
        FileNotFoundError: there is none.
        Damaged: its files are cut short, changed or unreadable.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} holds no tokens")
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        sums, dtype = about.pop("sha256"), np.dtype(about.pop("dtype"))
        if sums != _sums(folder):
            raise Damaged("its tokens are not those that were written there")
        train, test = (np.memmap(folder / f"{split}.bin", dtype=dtype, mode="r") for split in SPLITS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{folder} is damaged: {error}. It is made again from its text") from error
    return Pack(train, test, about, _joined(sums))


def packed_sha256(folder: Path) -> str:
    """The sha256 that the token files of a folder give together."""
    return _joined(_sums(folder))


def write_tokens(path: Path, parts: Iterable[np.ndarray]) -> int:
    """Write arrays of one dtype one after the other; gives the number of tokens."""
    count = 0
    with path.open("wb") as file:
        for part in parts:
            file.write(np.ascontiguousarray(part).data)
            count += len(part)
    return count


def dtype_for(vocabulary: int) -> str:
    """The smaller dtype that holds every token, little-endian."""
    return "<u2" if vocabulary <= 2**16 else "<u4"


def _sums(folder: Path) -> dict[str, str]:
    """sha256 of each split's file."""
    sums = {}
    for split in SPLITS:
        with (folder / f"{split}.bin").open("rb") as file:
            sums[split] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums


def _joined(sums: dict[str, str]) -> str:
    return hashlib.sha256("".join(sums[split] for split in SPLITS).encode()).hexdigest()


def _set_aside(folder: Path) -> None:
    """Take a damaged folder out of the way at once, so that whoever comes next finds none, then delete it."""
    gone = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".damaged."))
    with contextlib.suppress(FileNotFoundError):  # another process was first
        os.rename(folder, gone / "pack")
    shutil.rmtree(gone, ignore_errors=True)
