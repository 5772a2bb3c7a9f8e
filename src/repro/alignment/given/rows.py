"""The rows of a reader's file of pairs, one object each with the place where it stands, whatever wrote the file.

JSON Lines, a JSON array, CSV and its relatives, a workbook; in UTF-8, UTF-16 or UTF-32; packed by gzip, bzip2, xz or
zip, or not. Parquet files and data sets on the hub are tables.
"""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from repro.corpora.tables.sheets import SEPARATORS, read_sheet
from repro.corpora.tables.unpacking import BadSheet, decoded, first_line, unpacked
from repro.models.given import on_hub

JSON, PACKED = {".json", ".jsonl", ".ndjson"}, {".gz", ".bz2", ".xz", ".zip"}
FILES = JSON | PACKED | {".csv", ".tsv", ".txt", ".parquet", ".xlsx"}  # that no data set on the hub ends in
PARQUET, WORKBOOK = b"PAR1", b"PK\x03\x04"
Rows = Iterator[tuple[str, Any]]


class Malformed(ValueError):
    """A row that is no preference pair, or a file without rows: where it stands, what was got, what was expected."""


def read_rows(file: Path, name: str) -> Rows:
    """Rows of a file that is no Parquet, called `name` in errors; empty lines do not count.

    Raises:
        Malformed: no such file, by its line or row.
    """
    kind = next((suffix for suffix in map(str.lower, reversed(file.suffixes)) if suffix not in PACKED), "")
    try:
        content = unpacked(file.read_bytes())
        if content.startswith(WORKBOOK):
            sheet = read_sheet(content)
            lines = zip(sheet.rows, zip(*sheet.cells, strict=True), strict=True)
            yield from ((f"{name}, row {row}", dict(zip(sheet.header, cells, strict=True))) for row, cells in lines)
            return
        text = decoded(content)
    except BadSheet as error:
        raise Malformed(f"{name}: {error}") from error
    if not text.strip():
        raise Malformed(f"{name} is empty, so it holds no pair at all; expected one pair per line")
    yield from (_json_rows if text.lstrip()[0] in "[{" or kind in JSON else _csv_rows)(name, text)


def _csv_rows(name: str, text: str) -> Rows:
    """Rows below a header of names; texts may hold what looks like a title or a remark of a table of numbers."""
    first = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if header and any(cells) and len(cells) != len(header):
                told = f"{name}, row {reader.line_num} has {len(cells)} cells, and the header has {len(header)}"
                raise Malformed(f"{told}; put a text with a separator or a line break into quotation marks")
            if header and any(cells):
                yield f"{name}, row {reader.line_num}", dict(zip(header, cells, strict=True))
            header = header or [cell.strip() for cell in cells if any(cells)]
    except csv.Error as error:
        raise Malformed(f"{name}, row {reader.line_num} is no CSV: {error}") from error


def _json_rows(name: str, text: str) -> Rows:
    # only these end a line of JSON: str.splitlines would cut at U+2028 inside a text
    lines = [(number, line) for number, line in enumerate(re.split("\r\n|\n|\r", text), start=1) if line.strip()]
    first, error = _parsed(lines[0][1])
    whole = first
    if len(lines) > 1:
        whole, error = _parsed(text)
    if isinstance(whole, list):
        yield from ((f"{name}, row {number}", row) for number, row in enumerate(whole, start=1))
    elif isinstance(whole, dict):
        yield f"{name}, line {lines[0][0]}", whole
    elif first is None and text.lstrip().startswith("["):
        raise Malformed(f"{name} begins a JSON array and is none ({error}); mend it, or write one object per line")
    else:
        for number, line in lines:
            row, error = _parsed(line)
            if error:
                raise Malformed(f"{name}, line {number}: no JSON ({error}); expected one object per line")
            yield f"{name}, line {number}", row


def _parsed(text: str) -> tuple[Any, str | None]:
    """What a text of JSON holds, or why it is none."""
    try:
        return json.loads(text), None
    except RecursionError:
        return None, "nested too deeply"
    except ValueError as error:
        return None, str(error)


def table_rows(path: Path, name: str) -> Rows:
    """Rows of Parquet files, or of the training split of a data set on the hub; of several splits the training one.

    Raises:
        FileNotFoundError: no such file, folder or data set.
        Malformed: files that are no Parquet.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    if not files and (path.exists() or path.suffix in FILES or not on_hub(name.split("@")[0])):
        raise FileNotFoundError(
            f"no pairs at {name}; give a file (.jsonl, .json, .csv, .parquet), a folder of .parquet files, or "
            "owner/name of a data set on the hub"
        )
    training = [file for file in files if file.name.startswith("train")]
    try:
        table = _from_parquet(training or files) if files else _from_hub(name)
    except Exception as error:  # these libraries raise of every kind
        why = first_line(error)
        if files:
            raise Malformed(f"{name} cannot be read as Parquet ({why}); write it again, or as .jsonl") from error
        raise FileNotFoundError(f"no data set {name} with a split train was had from the hub ({why})") from error
    yield from ((f"{name}, row {number}", row) for number, row in enumerate(table, start=1))


def _from_parquet(files: list[Path]) -> Iterable[Any]:
    import pyarrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    rows: list[Any] = pyarrow.concat_tables(map(parquet.read_table, files), promote_options="default").to_pylist()
    return rows


def _from_hub(name: str) -> Iterable[Any]:
    with warnings.catch_warnings():  # a page has no bars, and needs no word of how to have them
        warnings.filterwarnings("ignore", "IProgress not found")
        from datasets import disable_progress_bars, load_dataset
    disable_progress_bars()
    owner, _, revision = name.partition("@")
    table: Iterable[Any] = load_dataset(owner, split="train", revision=revision or None)
    return table
