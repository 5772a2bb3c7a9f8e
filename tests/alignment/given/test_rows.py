"""Files of pairs: whatever wrote them, their rows are the same; what is no such file is refused in a sentence."""

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.alignment.given.rows import Malformed, read_rows

ROWS = [{"prompt": "w1 \u2028 ü", "chosen": "w2", "rejected": "w3"}, {"prompt": "w4", "chosen": "w5", "rejected": "w6"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
TABLE = "prompt,chosen,rejected\nw1 \u2028 ü,w2,w3\nw4,w5,w6\n"
FILES = {
    "lines.jsonl": LINES.encode(),
    "marked.jsonl": LINES.encode("utf-8-sig"),
    "wide.jsonl": LINES.encode("utf-16"),
    "returns.jsonl": LINES.replace("\n", "\r\n").encode(),
    "gaps.jsonl": LINES.replace("\n", "\n\n  \n").encode(),
    "unfinished.jsonl": LINES.rstrip("\n").encode(),
    "unnamed": LINES.encode(),
    "packed.jsonl.gz": gzip.compress(LINES.encode()),
    "array.json": json.dumps(ROWS).encode(),
    "tidy.json": json.dumps(ROWS, indent=2, ensure_ascii=False).encode(),
    "table.csv": TABLE.encode(),
    "semicolons.csv": TABLE.replace(",", ";").encode(),
    "tabs.tsv": TABLE.replace(",", "\t").encode("utf-16"),
}


def rows_of(folder: Path, name: str, content: bytes) -> list:
    (folder / name).write_bytes(content)
    return list(read_rows(folder / name, name))


@pytest.mark.parametrize("name", FILES)
def test_each_kind_of_file_has_the_same_rows(tmp_path, name):
    assert ROWS == [row for _, row in rows_of(tmp_path, name, FILES[name])]


def test_places_are_lines_of_a_file_of_lines_and_rows_of_a_table(tmp_path):
    assert ["gaps.jsonl, line 1", "gaps.jsonl, line 4"] == [
        where for where, _ in rows_of(tmp_path, "gaps.jsonl", FILES["gaps.jsonl"])
    ]
    assert ["table.csv, row 2", "table.csv, row 3"] == [
        where for where, _ in rows_of(tmp_path, "table.csv", FILES["table.csv"])
    ]


def test_a_text_of_a_table_may_hold_line_breaks_separators_and_headings(tmp_path):
    """What stands in quotation marks is a text, whatever it looks like."""
    content = 'prompt,chosen,rejected\n"int a;\nint b;\nint c;","# One, two\n","""No"""\n'

    assert [
        ("code.csv, row 5", {"prompt": "int a;\nint b;\nint c;", "chosen": "# One, two\n", "rejected": '"No"'})
    ] == (rows_of(tmp_path, "code.csv", content.encode()))


REFUSED = {
    "other.jsonl": ((LINES + "é\n").encode("latin-1", "replace"), "other.jsonl: row 1 is not UTF-8"),
    "empty.jsonl": (b"\n \n", "empty.jsonl is empty, so it holds no pair at all"),
    "broken.jsonl": (LINES.encode() + b'{"prompt": ', "broken.jsonl, line 3: no JSON"),
    "words.jsonl": (b"prompt chosen rejected", "words.jsonl, line 1: no JSON"),
    "cut.json": (json.dumps(ROWS, indent=1)[:-3].encode(), "cut.json begins a JSON array and is none"),
    "deep.jsonl": (b"[" * 100_000, "deep.jsonl begins a JSON array and is none .nested too deeply"),
    "ragged.csv": (b"prompt,chosen,rejected\na,b\n", "ragged.csv, row 2 has 2 cells, and the header has 3"),
    "page.csv": (b"%PDF-1.4", "page.csv: the file is a PDF"),
    "broken.jsonl.gz": (gzip.compress(LINES.encode())[:-9], "broken.jsonl.gz: the file looks compressed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_file_is_refused(tmp_path, name):
    content, told = REFUSED[name]

    with pytest.raises(Malformed, match=told):
        rows_of(tmp_path, name, content)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60) | st.sampled_from(sorted(FILES.values())),
    st.integers(0, 400),
    st.binary(max_size=3),
    st.sampled_from(["a.jsonl", "a.json", "a.csv", "a", "a.xlsx", "a.jsonl.gz"]),
)
def test_any_bytes_are_rows_or_a_sentence(content, place, patch, name):
    """Random bytes, and good files with some bytes put over others."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows_of(Path(folder), name, content[:place] + patch + content[place + len(patch) :])
        except Malformed as error:
            assert name in str(error)
