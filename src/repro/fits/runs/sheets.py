"""Sheets: the cells of a reader's file, as texts by column, whatever wrote the file.

CSV with commas, semicolons, tabs, bars or blanks; JSON lines, a JSON array or columns; workbooks and Parquet; each of
them in UTF-8 or UTF-16 and packed by gzip, bzip2, xz or zip. What a file is, its first bytes say, not its name.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

MOST_BYTES = 2**29  # half a GB of text is some ten million runs
SEPARATORS = (",", ";", "\t", "|")
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
    b"\x80\x04\x95": "a Python pickle",
    b"\x93NUMPY": "a numpy array",
}


class BadRuns(ValueError):
    """A file of runs that cannot be read; the message names rows, columns and what was expected."""


@dataclass(frozen=True)
class Sheet:
    """A table of texts.

    header: the columns' names, in the file's order. rows: the number of each row as the file counts it. cells: per
    column the texts of all rows; a cell that a JSON object lacks is empty.
    """

    header: list[str]
    rows: list[int]
    cells: list[list[str]]


def read_sheet(content: bytes) -> Sheet:
    """The table in these bytes.

    Raises:
        BadRuns: the bytes are no such table; the message names the row.
    """
    content = _unpacked(content)
    if content.startswith(b"PAR1"):
        return _by_pandas(content, "read_parquet", "a Parquet file", "pyarrow")
    if content.startswith(b"PK\x03\x04"):
        return _by_pandas(content, "read_excel", "a workbook", "openpyxl")
    text = _decoded(content)
    if not text.strip():
        raise BadRuns("the file is empty; expected a header and one training run per row")
    return _json_sheet(text) if text.lstrip()[0] in "[{" else _csv_sheet(text)


def _unpacked(content: bytes) -> bytes:
    """The bytes inside a compressed file, or in the one file of an archive."""
    for magic, name in _FOREIGN.items():
        if content.startswith(magic):
            raise BadRuns(f"the file is {name}; export it as CSV")
    try:
        inside = _inside(content)
    except BadRuns:
        raise
    except _UNPACKING as error:
        why = _first_line(error)
        raise BadRuns(f"the file looks compressed, and unpacking fails ({why}); unpack it, and give the CSV") from error
    return content if inside is None else _unpacked(inside)


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
        raise BadRuns(f"the file is an archive of {len(members)} files; unpack it, and give one as CSV")


def _limited(file: IO[bytes] | io.BufferedIOBase) -> bytes:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadRuns(f"the file unpacks to more than {MOST_BYTES >> 20} MiB; expected a table of one run per row")
    return content


def _by_pandas(content: bytes, reader: str, kind: str, library: str) -> Sheet:
    import pandas as pd

    try:
        frame = getattr(pd, reader)(io.BytesIO(content))
    except ImportError as error:
        raise BadRuns(f"the file is {kind}, which needs {library}; install {library}, or export it as CSV") from error
    except Exception as error:
        why = _first_line(error)
        raise BadRuns(f"the file looks like {kind} and cannot be read ({why}); export it as CSV") from error
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    cells = [["" if value is None else str(value) for value in column] for column in columns]
    # the header is row 1, as in a CSV
    return Sheet([str(name).strip() for name in frame.columns], list(range(2, len(frame) + 2)), cells)


def _decoded(content: bytes) -> str:
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
        raise BadRuns(f"row {row} is not {name} (byte {error.start}); save the file as UTF-8") from error


def _csv_sheet(text: str) -> Sheet:
    marked = re.match(r"\s*\"?sep=([,;\t| ])\"?\r?\n", text)  # Excel's own first line
    separator = marked[1] if marked else _separator(text)
    skipped = marked[0].count("\n") if marked else 0
    lines = io.StringIO(text[marked.end() :] if marked else text, newline="")
    if separator == " ":
        reader = csv.reader(lines, delimiter=" ", skipinitialspace=True, strict=True)
    else:
        reader = csv.reader(lines, delimiter=separator, strict=True)
    header: list[str] = []
    rows, cells = [], []
    try:
        for line in reader:
            while separator == " " and line and not line[-1]:
                line.pop()  # blanks at the end of the line
            if not any(cell.strip() for cell in line):
                continue
            if not header:
                header = [cell.strip() for cell in line]
                continue
            number = reader.line_num + skipped
            if len(line) != len(header):
                raise BadRuns(f"row {number} has {len(line)} cells; the header has {len(header)}")
            rows.append(number)
            cells.append(line)
    except csv.Error as error:
        raise BadRuns(f"row {reader.line_num + skipped} is no CSV: {error}") from error
    return Sheet(header, rows, [list(column) for column in zip(*cells, strict=True)] or [[] for _ in header])


def _separator(text: str) -> str:
    """What cuts the first line into most cells: of the usual separators, else blanks."""
    first = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    best = max(SEPARATORS, key=first.count)
    if best in first:
        return best
    return " " if len(first.split()) > 2 else ","


def _json_sheet(text: str) -> Sheet:
    """Objects in an array or one per line, or an object of columns."""
    try:
        whole = json.loads(text)
    except ValueError:
        return _json_lines(text)
    except RecursionError as error:
        raise BadRuns("the file is JSON nested too deeply; expected one object per run") from error
    if isinstance(whole, dict):
        whole = _of_columns(whole)
    if not isinstance(whole, list) or not all(isinstance(run, dict) for run in whole):
        odd = [type(run).__name__ for run in whole if not isinstance(run, dict)] if isinstance(whole, list) else []
        got = f"an array that holds a {odd[0]}" if odd else "one value"
        raise BadRuns(f"the file is JSON, {got}; expected an array of objects, one object per run")
    return _of_objects(list(enumerate(whole, start=1)))


def _of_columns(whole: dict[str, Any]) -> list[Any]:
    """Runs of an object: a single run, columns by name (lists, or objects by row), or the one list it holds."""
    lists = [value for value in whole.values() if isinstance(value, list)]
    objects = [value for value in whole.values() if isinstance(value, dict)]
    if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
        return lists[0]
    if isinstance(whole.get("columns"), list) and isinstance(whole.get("data"), list):
        return [
            dict(zip(map(str, whole["columns"]), row, strict=False)) if isinstance(row, list) else row
            for row in whole["data"]
        ]
    if whole and len(objects) == len(whole):
        lists = [list(value.values()) for value in objects]
    if not whole or len(lists) != len(whole):
        return [whole]
    lengths = {name: len(column) for name, column in zip(whole, lists, strict=True)}
    if len(set(lengths.values())) > 1:
        raise BadRuns(f"the file is JSON of columns that differ in length: {_first_line(lengths)}")
    return [dict(zip(whole, row, strict=True)) for row in zip(*lists, strict=True)]


def _json_lines(text: str) -> Sheet:
    objects: list[tuple[int, Any]] = []
    # only a line feed ends a line of JSON: str.splitlines would cut at U+2028 inside a text
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            run = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadRuns(f"row {number} is no JSON: {_first_line(error)}; expected one object per line") from error
        if not isinstance(run, dict):
            raise BadRuns(f"row {number} is a JSON {type(run).__name__}; expected one object per line")
        objects.append((number, run))
    return _of_objects(objects)


def _of_objects(objects: list[tuple[int, dict[str, Any]]]) -> Sheet:
    header = list(dict.fromkeys(name for _, run in objects for name in run))
    cells = [["" if run.get(name) is None else str(run[name]) for _, run in objects] for name in header]
    return Sheet([name.strip() for name in header], [number for number, _ in objects], cells)


def _first_line(what: object) -> str:
    return repr(str(what).partition("\n")[0][:200])[1:-1]
