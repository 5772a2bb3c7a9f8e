"""The bytes of a reader's file, unpacked and decoded: gzip, bzip2, xz or zip around UTF-8, UTF-16 or UTF-32.

What a file is, its first bytes say, not its name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

MOST_BYTES = 2**29  # half a GB of text is some ten million runs
_PACKED: dict[bytes, Callable[[io.BytesIO], io.BufferedIOBase]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": lambda file: bz2.BZ2File(file),
    b"\xfd7zXZ\x00": lambda file: io.BytesIO(lzma.LZMADecompressor().decompress(file.read(), MOST_BYTES + 1)),
}
_UNPACKING = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    *(ValueError, IndexError, KeyError, struct.error, OverflowError),
)
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook of before 2007",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow (Feather) file",
    b"\x89HDF": "an HDF5 file",
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a Python pickle"),
    b"\x93NUMPY": "a numpy array",
}


class BadSheet(ValueError):
    """A file that is no table, or not the one that is wanted; the message names rows and columns."""


def shown(path: Path) -> str:
    """The path in letters that any terminal takes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def file_bytes(path: Path, what: str) -> bytes:
    """The bytes of a reader's file.

    Args:
        what: the table that is expected, in words.

    Raises:
        BadSheet: no such file, a folder, or more than half a GB.
    """
    if not path.is_file():
        raise BadSheet(f"{'a folder' if path.is_dir() else 'no such file'}; expected a table of {what}")
    if path.stat().st_size > MOST_BYTES:
        raise BadSheet(f"more than {MOST_BYTES >> 20} MiB; expected a table of {what}")
    return path.read_bytes()


def unpacked(content: bytes) -> bytes:
    """The bytes inside a compressed file, or in the one file of an archive."""
    for magic, name in _FOREIGN.items():
        if content.startswith(magic):
            raise BadSheet(f"the file is {name}; export it as CSV")
    try:
        inside = _inside(content)
    except BadSheet:
        raise
    except _UNPACKING as error:
        why = first_line(error)
        raise BadSheet(
            f"the file looks compressed, and unpacking fails ({why}); unpack it, and give the CSV"
        ) from error
    return content if inside is None else unpacked(inside)


def _inside(content: bytes) -> bytes | None:
    for magic, unpack in _PACKED.items():
        if content.startswith(magic):
            with unpack(io.BytesIO(content)) as file:
                return _limited(file)
    if not content.startswith(b"PK\x03\x04"):
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/")]
        if len(members) == 1:
            with archive.open(members[0]) as file:
                return _limited(file)
        if "xl/workbook.xml" in members:
            return None
        raise BadSheet(f"the file is an archive of {len(members)} files; unpack it, and give one as CSV")


def _limited(file: IO[bytes] | io.BufferedIOBase) -> bytes:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadSheet(f"the file unpacks to more than {MOST_BYTES >> 20} MiB; expected a table of one run per row")
    return content


def decoded(content: bytes) -> str:
    """The text in UTF-8, or in the UTF-16 or UTF-32 that its mark or its zero bytes tell."""
    zeros = [content[:400][place::2].count(0) for place in (0, 1)]
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        encoding = "utf-32"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif max(zeros) > 0.8 * len(content[:400]) / 2 > min(zeros):
        encoding = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        name = encoding.upper().removesuffix("-SIG")
        raise BadSheet(f"row {row} is not {name} (byte {error.start}); save the file as UTF-8") from error


def first_line(what: object) -> str:
    """The first line of a message, in printable letters."""
    return repr(str(what).partition("\n")[0][:200])[1:-1]
