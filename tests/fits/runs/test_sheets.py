"""One table in every dress that spreadsheets and logs give it is one table."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pytest

from repro.fits.runs.reading import BadRuns, read_runs


def _comma(frame):
    """As a German or French sheet has it."""
    return frame.to_csv(index=False, sep=";", decimal=",")


def _grouped(frame):
    return frame.assign(N=[f"{N:,.0f}".replace(",", "\u202f") for N in frame["N"]])


def _zipped(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("runs.csv", text)
    return file.getvalue()


def _parquet(frame):
    pytest.importorskip("pyarrow")
    return frame.to_parquet(index=False)


def _lines(frame):
    return [json.dumps({**run, "note": "first\u2028second"}, ensure_ascii=False) for run in frame.to_dict("records")]


DRESSES = {
    "commas": lambda frame: frame.to_csv(index=False).encode(),
    "semicolons": lambda frame: frame.to_csv(index=False, sep=";").encode(),
    "semicolons and decimal commas": lambda frame: _comma(frame).encode(),
    "tabs and decimal commas": lambda frame: frame.to_csv(index=False, sep="\t", decimal=",").encode(),
    "bars": lambda frame: frame.to_csv(index=False, sep="|").encode(),
    "blanks": lambda frame: frame.to_string(index=False, float_format=str).encode(),
    "a mark of UTF-8": lambda frame: frame.to_csv(index=False).encode("utf-8-sig"),
    "UTF-16": lambda frame: frame.to_csv(index=False, sep="\t").encode("utf-16"),
    "UTF-16 without a mark": lambda frame: frame.to_csv(index=False).encode("utf-16-le"),
    "lines as Windows ends them": lambda frame: frame.to_csv(index=False, lineterminator="\r\n").encode(),
    "Excel's own first line": lambda frame: ("sep=;\n" + _comma(frame)).encode(),
    "grouped thousands": lambda frame: _comma(
        frame.assign(N=[f"{N:,.0f}".replace(",", "\u202f") for N in frame["N"]])
    ).encode(),
    "gzip": lambda frame: gzip.compress(frame.to_csv(index=False).encode(), mtime=0),
    "bzip2": lambda frame: bz2.compress(frame.to_csv(index=False).encode()),
    "xz": lambda frame: lzma.compress(frame.to_csv(index=False).encode()),
    "zip": lambda frame: _zipped(frame.to_csv(index=False)),
    "JSON lines": lambda frame: "\n".join(_lines(frame)).encode(),
    "JSON lines as Windows ends them": lambda frame: "\r\n".join(_lines(frame)).encode(),
    "a JSON array": lambda frame: frame.to_json(orient="records", double_precision=15).encode(),
    "JSON columns of lists": lambda frame: json.dumps(frame.to_dict("list")).encode(),
    "JSON columns of objects": lambda frame: frame.to_json(orient="columns", double_precision=15).encode(),
    "JSON split": lambda frame: frame.to_json(orient="split", double_precision=15).encode(),
    "a JSON list under a name": lambda frame: json.dumps({"runs": frame.to_dict("records")}).encode(),
    "Parquet": _parquet,
}


@pytest.mark.parametrize("dress", DRESSES)
def test_one_table_in_any_dress(tmp_path, runs, dress):
    """The bytes say what a file is; its name does not matter."""
    frame = runs[["N", "D", "loss"]].assign(N=runs["N"].round(0))
    path = tmp_path / "runs.txt"
    path.write_bytes(DRESSES[dress](frame))

    np.testing.assert_allclose(frame, read_runs(path).frame[["N", "D", "loss"]], rtol=1e-9)


def test_a_workbook_is_read_or_said_to_be_one(tmp_path, runs):
    """Without openpyxl one sentence says what to do."""
    path, file = tmp_path / "runs.xlsx", io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, "<a/>")
    path.write_bytes(file.getvalue())

    with pytest.raises(BadRuns, match=r"a workbook.*export it as CSV"):
        read_runs(path)


@pytest.mark.parametrize(
    ("mark", "expected"), [(".", 1.25e9), (",", 1.25e6)], ids=["losses with points", "losses with commas"]
)
def test_a_decimal_comma_is_told_from_a_thousand_by_the_losses(tmp_path, mark, expected):
    """1,250M is 1250 million where losses have points, and 1.25 million where they have commas."""
    rows = [f"1,250M;{n}e8;{4 - n / 10:.2f}".replace(".", mark) for n in range(2, 6)]
    rows += [f"{n}00M;{n}e9;{3 - n / 10:.2f}".replace(".", mark) for n in range(2, 6)]
    path = tmp_path / "runs.csv"
    path.write_text("N;D;loss\n" + "\n".join(rows))

    assert [expected] * 4 == read_runs(path).frame["N"].tolist()[:4]
