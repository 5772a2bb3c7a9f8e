"""The files of a folder as text: what each holds, or why it is no text."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

LARGEST = 64 * 2**20  # bytes; a larger file is named and not read
CONTROLS = 0.05  # a text has fewer control characters than this
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CONTROLS = dict.fromkeys([*range(9), *range(14, 27), *range(28, 32), 127])


@dataclass(frozen=True)
class File:
    """One file: `name` within the folder, `bytes`, `sha256`; its `text`, or `fault`, why it is no text."""

    name: str
    bytes: int
    sha256: str
    text: str
    fault: str


def files_of(folder: Path) -> Iterator[File]:
    """Each file in a folder and those inside it, in the order of names; links are not followed, nor is .git read.

    Raises:
        ValueError: there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"{shown(str(folder))} is no folder; a survey takes a folder of text")
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if name != ".git")
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield _read(path, shown(str(path.relative_to(folder))))


def shown(name: str) -> str:
    """A name that every terminal and JSON can hold: bytes that are no UTF-8 as U+FFFD, controls as well."""
    plain = os.fsencode(name).decode(errors="replace")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in plain)


def _read(path: Path, name: str) -> File:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            return File(name, size, "", "", f"larger than {LARGEST // 2**20} MiB")
        raw = path.read_bytes()
    except OSError:
        return File(name, 0, "", "", "unreadable")
    text, fault = decoded(raw)
    return File(name, len(raw), sha256(raw).hexdigest(), text, fault)


def decoded(raw: bytes) -> tuple[str, str]:
    """The text of a file's bytes and "", or "" and why they are none: UTF-8, and UTF-16 by its mark, are read."""
    encoding = next((name for mark, name in _BOMS.items() if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return "", "undecodable"
    if not text.strip("\ufeff\0 \t\r\n\v\f"):
        return "", "empty"
    controls = len(text) - len(text.translate(_CONTROLS))
    return ("", "binary") if controls > CONTROLS * len(text) else (text, "")
