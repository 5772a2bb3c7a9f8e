"""Sheets: the cells of a reader's file, as texts by column, whatever wrote the file.

CSV with commas, semicolons, tabs, bars or blanks; JSON lines, a JSON array or columns; workbooks and Parquet; each of
them in UTF-8 or UTF-16 and packed by gzip, bzip2, xz or zip.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from repro.corpora.tables.unpacking import BadSheet, decoded, first_line, unpacked

SEPARATORS = (",", ";", "\t", "|")
HEAD = 20  # lines in which the header stands
Lines = list[tuple[int, list[str]]]  # number in the file, and cells


@dataclass(frozen=True)
class Sheet:
    """A table of texts.

    header: the columns' names, in the file's order. rows: the number of each row as the file counts it. cells: per
    column the texts of all rows; a cell that a JSON object lacks is empty.
    """

    header: list[str]
    rows: list[int]
    cells: list[list[str]]


def read_sheet(content: bytes, is_wanted: Callable[[list[str]], bool] = lambda header: True) -> Sheet:
    """The table in these bytes, without titles above it and remarks (lines that begin with #).

    Args:
        is_wanted: whether a header is that of the table looked for, by which it is told from other sheets of a
            workbook.

    Raises:
        BadSheet: the bytes are no such table; the message names the row.
    """
    content = unpacked(content)
    if content.startswith(b"PAR1"):
        return _parquet(content)
    if content.startswith(b"PK\x03\x04"):
        return _workbook(content, is_wanted)
    text = decoded(content)
    return _json_sheet(text) if text.lstrip()[:1] in ("[", "{") else _csv_sheet(text)


def _parquet(content: bytes) -> Sheet:
    frame = _by_pandas(content, "read_parquet", "a Parquet file", "pyarrow")
    frame = frame.reset_index() if any(frame.index.names) else frame
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    cells = [["" if value is None else str(value) for value in column] for column in columns]
    # the header is row 1, as in a CSV
    return Sheet([str(name).strip() for name in frame.columns], list(range(2, len(frame) + 2)), cells)


def _workbook(content: bytes, is_wanted: Callable[[list[str]], bool]) -> Sheet:
    """The one sheet whose header is wanted; where none is, the first that holds a table."""
    frames = _by_pandas(content, "read_excel", "a workbook", "openpyxl", sheet_name=None, header=None, dtype=object)
    grids = {str(name): list(frame.itertuples(index=False, name=None)) for name, frame in frames.items()}
    tables: dict[str, Sheet] = {}
    for name, grid in grids.items():
        rows = [(number, [_text(value) for value in row]) for number, row in enumerate(grid, start=1)]
        lines = [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]
        if lines:
            tables[name] = _table(lines)
    wanted = [name for name, table in tables.items() if is_wanted(table.header)]
    if len(wanted) > 1:
        names = ", ".join(map(repr, wanted))
        raise BadSheet(
            f"the workbook has {len(wanted)} sheets with such columns ({names}); keep one, or save it as CSV"
        )
    return tables[wanted[0]] if wanted else next(iter(tables.values())) if tables else _table([])


def _text(value: object) -> str:
    """A cell of a workbook; an empty one is NaN there."""
    return "" if value is None or value != value else str(value)


def _by_pandas(content: bytes, reader: str, kind: str, library: str, **options: object) -> Any:
    import pandas as pd

    try:
        return getattr(pd, reader)(io.BytesIO(content), **options)
    except ImportError as error:
        raise BadSheet(f"the file is {kind}, which needs {library}; install {library}, or export it as CSV") from error
    except Exception as error:
        why = first_line(error)
        raise BadSheet(f"the file looks like {kind} and cannot be read ({why}); export it as CSV") from error


def _csv_sheet(text: str) -> Sheet:
    marked = re.match(r"\s*\"?sep=([,;\t| ])\"?\r?\n", text)  # Excel's own first line
    separator = marked[1] if marked else _separator(text)
    skipped = marked[0].count("\n") if marked else 0
    cut = io.StringIO(text[marked.end() :] if marked else text, newline="")
    if separator == " ":
        reader = csv.reader(cut, delimiter=" ", skipinitialspace=True, strict=True)
    else:
        reader = csv.reader(cut, delimiter=separator, strict=True)
    lines: Lines = []
    try:
        for line in reader:
            while separator == " " and line and not line[-1]:
                line.pop()  # blanks at the end of the line
            if any(cell.strip() for cell in line):
                lines.append((reader.line_num + skipped, line))
    except csv.Error as error:
        raise BadSheet(f"row {reader.line_num + skipped} is no CSV: {error}") from error
    return _table(lines)


def _table(lines: Lines) -> Sheet:
    """The table among lines that are not empty: its header is the first that is neither title nor remark."""
    if not lines:
        raise BadSheet("the file is empty; expected a header, and rows below it")
    usual = Counter(len(cells) for _, cells in lines).most_common(1)[0][0]
    at = next((place for place in range(min(HEAD, len(lines))) if not _stands_above(lines, place, usual)), 0)
    header = [cell.strip() for cell in lines[at][1]]
    rows, body = [], []
    for number, cells in lines[at + 1 :]:
        if _is_remark(cells, len(header)):
            continue
        if len(cells) > len(header) and not any(cell.strip() for cell in cells[len(header) :]):
            cells = cells[: len(header)]
        if len(cells) != len(header):
            raise BadSheet(f"row {number} has {len(cells)} cells; the header has {len(header)}")
        rows.append(number)
        body.append(cells)
    return Sheet(header, rows, [list(column) for column in zip(*body, strict=True)] or [[] for _ in header])


def _stands_above(lines: Lines, place: int, usual: int) -> bool:
    """Whether a line is no header but a title, one cell where the table has several, or a remark."""
    cells = lines[place][1]
    below = lines[place + 1][1] if place + 1 < len(lines) else []
    if _is_remark(cells, usual) or (usual > 1 and _filled(cells) == 1):
        return True
    return cells[0].lstrip().startswith("#") and bool(below) and not any(cell[:1].isdigit() for cell in below)


def _is_remark(cells: list[str], width: int) -> bool:
    """Whether a line begins with # and does not fill the columns, or rules off a header as Markdown does."""
    first = cells[0].lstrip()
    if first.startswith("#"):
        return len(cells) != width or _filled(cells) == 1
    return first[:1] in ("-", ":", "=", "") and all(re.fullmatch(r"\s*(:?[-=]{2,}:?)?\s*", cell) for cell in cells)


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _separator(text: str) -> str:
    """What cuts a line of the head into as many cells as the next one: of the usual separators, else blanks."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text.lstrip().split("\n", HEAD + 1)[: HEAD + 1]]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    for line, below in pairwise(lines):
        for mark in ("\t", ";", "|", ","):  # a comma may stand in numbers that another mark separates
            if 0 < line.count(mark) == below.count(mark):
                return mark
        words, numbers = line.split(), [word for word in below.split() if word[:1].isdigit()]
        if numbers and 2 < len(words) == len(below.split()):
            return " "
    first = lines[0] if lines else ""
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
        raise BadSheet("the file is JSON nested too deeply; expected one object per run") from error
    if isinstance(whole, dict):
        whole = _of_columns(whole)
    if not isinstance(whole, list) or not all(isinstance(run, dict) for run in whole):
        odd = [type(run).__name__ for run in whole if not isinstance(run, dict)] if isinstance(whole, list) else []
        got = f"an array that holds a {odd[0]}" if odd else "one value"
        raise BadSheet(f"the file is JSON, {got}; expected an array of objects, one object per run")
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
        raise BadSheet(f"the file is JSON of columns that differ in length: {first_line(lengths)}")
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
            raise BadSheet(f"row {number} is no JSON: {first_line(error)}; expected one object per line") from error
        if not isinstance(run, dict):
            raise BadSheet(f"row {number} is a JSON {type(run).__name__}; expected one object per line")
        objects.append((number, run))
    return _of_objects(objects)


def _of_objects(objects: list[tuple[int, dict[str, Any]]]) -> Sheet:
    header = list(dict.fromkeys(name for _, run in objects for name in run))
    cells = [["" if run.get(name) is None else str(run[name]) for _, run in objects] for name in header]
    return Sheet([name.strip() for name in header], [number for number, _ in objects], cells)
