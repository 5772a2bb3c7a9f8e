"""What a file holds is a table of texts, or is said to be none in a sentence."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from repro.corpora.tables.sheets import read_sheet
from repro.corpora.tables.unpacking import BadSheet


def test_rows_are_numbered_as_the_file_counts_them():
    """Empty lines, Excel's first line and line breaks in cells are lines of the file."""
    sheet = read_sheet(b'sep=;\nN;note\n\n1;"a\nb"\n2;c\n')

    assert ([5, 6], [["1", "2"], ["a\nb", "c"]]) == (sheet.rows, sheet.cells)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"PK\x03\x04 no archive", "looks compressed"),
        (b"PAR1 no table PAR1", "looks like a Parquet file and cannot be read|needs pyarrow"),
        (gzip.compress(b"N,D,loss\n1,2,3", mtime=0)[:-9], "looks compressed"),
        (b"[1, 2]", "an array that holds a int"),
        (b"[" * 100_000, "nested too deeply|no JSON"),
        (b'{"N": [1, 2], "D": [1]}', "columns that differ in length"),
        (b"N,D\n\xff\xff,1\n", "row 2 is not UTF-8"),
        (b'"N,D\n1,2', "row 2 is no CSV"),
        (b"\x80\x04\x95\x00", "a Python pickle"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(content, reason):
    with pytest.raises(BadSheet, match=reason):
        read_sheet(content)


@pytest.mark.parametrize(
    "text",
    [
        "Runs of 2024\nN,loss\n1,2\n3,4",
        "Runs of 2024,\n\nN,loss\n1,2\n3,4\n,\n",
        "# by me, in May, twice\nN,loss\n1,2\n# the second machine\n3,4",
        "# a, b\nN;loss\n1;2\n3;4",
        "N,loss\n1,2,\n3,4,\n",
        "N\tloss\n1\t2\n3\t4",
        "| N | loss |\n|---|:---:|\n| 1 | 2 |\n| 3 | 4 |",
    ],
)
def test_titles_remarks_and_rules_are_no_rows(text):
    sheet = read_sheet(text.encode())
    columns = {name: [cell.strip() for cell in cells] for name, cells in zip(sheet.header, sheet.cells, strict=True)}

    assert {"N": ["1", "3"], "loss": ["2", "4"]} == {name: columns[name] for name in columns if name}


def test_a_remark_that_fills_the_columns_is_a_row():
    """What could be a run is never left out in silence."""
    assert [2, 3] == read_sheet(b"run,loss\n#1,2\n#2,3\n").rows


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a;b\n1,5;2,5\n", ["a", "b"]),
        ("a\tb\n1,000\t2,000\n", ["a", "b"]),
        ("a b c\n1,000 2 3\n", ["a", "b", "c"]),
        ('"a, x";b\n1;2\n', ["a, x", "b"]),
    ],
)
def test_a_mark_inside_numbers_separates_nothing(text, header):
    assert header == read_sheet(text.encode()).header


def _workbook(monkeypatch, sheets):
    """The bytes of a workbook that the reader takes for one with these sheets, lists of rows."""
    frames = {name: pd.DataFrame(rows, dtype=object) for name, rows in sheets.items()}
    monkeypatch.setattr(pd, "read_excel", lambda file, **options: frames)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, "<a/>")
    return file.getvalue()


NOTES, RUNS = (
    [["about", "who"], ["x", "me"]],
    [["Runs", np.nan], [np.nan, np.nan], ["N", "loss"], [1, 2.5], [3, np.nan]],
)


def test_of_a_workbook_the_one_sheet_is_read_whose_columns_are_wanted(monkeypatch):
    sheet = read_sheet(
        _workbook(monkeypatch, {"notes": NOTES, "empty": [], "runs": RUNS}), lambda header: "loss" in header
    )

    assert (["N", "loss"], [4, 5], [["1", "3"], ["2.5", ""]]) == (sheet.header, sheet.rows, sheet.cells)


@pytest.mark.parametrize(
    ("sheets", "reason"),
    [({"a": RUNS, "b": RUNS}, r"2 sheets with such columns \('a', 'b'\)"), ({"a": []}, "is empty")],
)
def test_a_workbook_of_two_such_sheets_or_none_is_refused(monkeypatch, sheets, reason):
    with pytest.raises(BadSheet, match=reason):
        read_sheet(_workbook(monkeypatch, sheets), lambda header: "loss" in header)
