"""Anyone's own runs are read, or refused with row and reason."""

import json

import numpy as np
import pytest

from repro.corpora.tables.numbers import parse_size, spell_size
from repro.fits.runs.reading import BadRuns, read_runs

ROWS = ("70M,1.4B,4.1", "140M,2.8B,3.7", "350M,4B,3.3", "1.3B,26B,2.8", "7B,90B,2.3", "70B,1.4T,1.95")


@pytest.fixture
def written(tmp_path):
    """A function that writes a file of runs and gives its path."""

    def write(header="N,D,loss", rows=ROWS, name="runs.csv", **replaced):
        lines = [header, *rows]
        for row, text in replaced.items():
            lines[int(row.removeprefix("row")) - 1] = text
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    "expected, text",
    [
        (70e9, "70B"),
        (1.4e12, "1.4T"),
        (350e6, "350M"),
        (1e9, "1e9"),
        (1e6, "1_000_000"),
        (1.25e6, "1,250,000"),
        (5e3, "5k"),
        (7e9, " 7 b "),
        (0.5e9, ".5G"),
        (2e21, "2Z"),
        (124.0, "124"),
        (3e20, "3.0E+20"),
        (-5.0, "-5"),
    ],
)
def test_sizes_in_usual_spellings(expected, text):
    """What people write in tables and on the command line is one number."""
    assert expected == pytest.approx(parse_size(text), rel=1e-12)


@pytest.mark.parametrize("text", ["", "B", "7X", "1.2.3", "1,0000", "12 34", "e9", "70 B params", "seven", "0x10", "."])
def test_what_is_no_size_is_refused(text):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="no number such as"):
        parse_size(text)


def test_a_spelled_size_reads_back():
    """Three digits and a suffix, for people and for the parser."""
    for number in (124.0, 7.25e4, 3.5e8, 7e10, 1.4e12, 5.76e23):
        assert number == pytest.approx(parse_size(spell_size(number)), rel=5e-3)


@pytest.mark.parametrize("header", ["N,D,loss", "params,tokens,val_loss", "Model Size,Train Tokens,Final Loss"])
def test_columns_go_by_their_usual_names(written, header):
    """Case, blanks and underscores do not matter, and C = 6 N D is added."""
    frame = read_runs(written(header)).frame
    assert ["N", "D", "C", "loss"] == list(frame.columns)
    np.testing.assert_allclose(6 * frame["N"] * frame["D"], frame["C"])
    assert [2, 3, 4, 5, 6, 7] == frame.index.tolist()


def test_size_and_compute_give_the_tokens(written):
    """Epoch AI's own header: D = C / 6N."""
    frame = read_runs(
        written("Model Size,Training FLOP,loss", [f"{n}e8,{n % 4 + 1}e19,{9 - n}" for n in range(1, 8)])
    ).frame
    np.testing.assert_allclose([(n % 4 + 1) * 1e19 / n / 6e8 for n in range(1, 8)], frame["D"])


def test_json_lines_are_read_too(written):
    """One object a line, numbers or spelled sizes."""
    rows = [json.dumps({"params": f"{n}B", "tokens": 2e10 * (n % 4 + 1), "loss": 3.0 - n / 9}) for n in range(1, 8)]
    frame = read_runs(written(rows[0], rows[1:], "runs.jsonl")).frame
    assert [n * 1e9 for n in range(1, 8)] == frame["N"].tolist()


@pytest.mark.parametrize(
    "row, reasons",
    [
        ("70M,1.4B,high", ("row 4", "'loss'", "'high'", "a number")),
        ("7 zillion,1.4B,4.1", ("row 4", "'N'", "'7 zillion'", "such as 350M")),
        ("70M,1.4B,nan", ("row 4", "'loss'", "'nan'", "positive, finite")),
        ("70M,1.4B,inf", ("row 4", "'loss'", "'inf'", "positive, finite")),
        ("-70M,1.4B,4.1", ("row 4", "'N'", "'-70M'", "positive, finite")),
        ("70M,0,4.1", ("row 4", "'D'", "'0'", "positive, finite")),
        ("70M,,4.1", ("row 4", "'D'", "''", "such as 350M")),
        ("7,1.4B,4.1", ("row 4", "'N'", "'7'", "write 7B or 7e9")),
        ("70M,140,4.1", ("row 4", "'D'", "'140'", "write 140B")),
        ("70M,1.4B", ("row 4", "2 cells", "header has 3")),
        ("70M,1.4B,4.1,9", ("row 4", "4 cells", "header has 3")),
        ('"70M,1.4B,4.1', ("no CSV", "unexpected end of data")),
    ],
)
def test_a_bad_row_is_named_with_its_reason(written, row, reasons):
    """Row as the file counts it, column, what was got, what was expected."""
    with pytest.raises(BadRuns) as caught:
        read_runs(written(row4=row))
    for reason in reasons:
        assert reason in str(caught.value)


@pytest.mark.parametrize("word", ["Total", "average:", "Mittelwert"])
def test_a_row_that_sums_up_the_others_is_no_run(written, word):
    """It is named, and not left to the outliers; a run may bear the same word in every row."""
    rows = [f"r{place},{row}" for place, row in enumerate(ROWS)]
    with pytest.raises(BadRuns, match=f"row 8, column 'run': got '{word}'; a row that sums up"):
        read_runs(written("run,N,D,loss", [*rows, f"{word},13B,260B,3.0"]))
    assert 6 == len(read_runs(written("run,N,D,loss", [f"{word},{row}" for row in ROWS])).frame)


@pytest.mark.parametrize(
    "header, reasons",
    [
        ("N,D,N", ("'N' more than once",)),
        ("N,params,loss", ("'N' and 'params'", "rename one")),
        ("N,tokns,loss", ("two of N, D, C", "'N' as N", "'tokns' (did you mean 'tokens'?)")),
        ("N,D,perplexity", ("no column of the loss", "'perplexity'", "val_loss")),
        ("a,b,c_", ("no column of the loss", "'a', 'b', 'c_'")),
    ],
)
def test_a_bad_header_is_explained(written, header, reasons):
    """Missing and doubled columns are named, with the nearest name that would do."""
    with pytest.raises(BadRuns) as caught:
        read_runs(written(header))
    for reason in reasons:
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"N,D,loss\n", "0 runs; a fit needs at least 6"),
        (b"N,D,loss\n70M,1.4B,4.1\n", "1 runs; a fit needs at least 6"),
        (b"N,D,loss\n70M,1.4B,4,\xe9\n", "row 2 is not UTF-8"),
        (b"\xff\xfeN\x00,\x00D", "row 1 is not UTF-16"),
        (b"\x1f\x8bnot gzip", "looks compressed, and unpacking fails"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of before 2007; export it as CSV"),
    ],
)
def test_a_bad_file_is_explained(tmp_path, content, reason):
    """Empty, too short, in another encoding or with other separators."""
    path = tmp_path / "runs.csv"
    path.write_bytes(content)
    with pytest.raises(BadRuns, match=reason):
        read_runs(path)


@pytest.mark.parametrize(
    "line, reason",
    [
        ("{", "row 3 is no JSON"),
        ("[1]", "row 3 is a JSON list"),
        ('{"N": 1e9, "loss": 3}', "row 3, column 'D': got ''"),
    ],
)
def test_a_bad_json_line_is_named(written, line, reason):
    """The same care for JSON lines."""
    good = '{"N": 1e9, "D": 2e10, "loss": 3.0}'
    with pytest.raises(BadRuns, match=reason):
        read_runs(written(good, [good, line, *[good] * 5], "runs.jsonl"))


def test_a_file_that_is_not_there(tmp_path):
    """A mistyped path is said to be one."""
    with pytest.raises(BadRuns, match="no such file"):
        read_runs(tmp_path / "runs.csv")


def test_many_bad_rows_are_told_at_once_and_counted(written):
    """A reader mends five at a time, not one."""
    with pytest.raises(BadRuns, match=r"row 2(.|\n)*row 6(.|\n)*and 1 more"):
        read_runs(written(rows=["70M,1.4B,none"] * 6))


def test_compute_that_contradicts_size_and_tokens_is_noted(written):
    """C three times 6 N D means another way of counting; the worst row is named."""
    tokens = [20 * (n % 4 + 1) for n in range(1, 8)]
    rows = [f"{n}B,{D}B,{6 * n * D * (3 if n == 7 else 1)}E,{4 - n / 9}" for n, D in enumerate(tokens, start=1)]
    runs = read_runs(written("N,D,C,loss", rows))
    assert any("1 of 7 runs" in note and "row 8" in note and "C / 6ND = 3" in note for note in runs.notes)


def test_repetition_follows_from_the_unique_tokens(written):
    """epochs = tokens / unique tokens."""
    frame = read_runs(written("N,D,loss,unique_tokens", [f"{row},700M" for row in ROWS])).frame
    assert [2, 4, 40 / 7] == pytest.approx(frame["epochs"].tolist()[:3])


@pytest.mark.parametrize(
    "expected, header, end",
    [
        ("unstated", "N,D,loss,note", "x"),
        ("without embeddings", "N,D,loss,counting", "non-embedding"),
        ("with embeddings", "N,D,loss,counting", "total"),
        ("without embeddings", "non_embedding_params,D,loss,note", "x"),
    ],
)
def test_counting_convention_is_read_and_never_guessed(written, expected, header, end):
    """A column or the name of N's column says it; else it is unstated."""
    assert expected == read_runs(written(header, [f"{row},{end}" for row in ROWS])).convention


def test_mixed_conventions_are_refused(written):
    """Sizes counted in two ways lie on no one surface."""
    rows = [f"{row},{'total' if place else 'non-embedding'}" for place, row in enumerate(ROWS)]
    with pytest.raises(BadRuns, match="row 2 counts without embeddings, row 3 with embeddings"):
        read_runs(written("N,D,loss,counting", rows))


def test_columns_not_used_are_noted(written):
    """A reader sees what was left aside."""
    assert "columns not used: 'lr'" in read_runs(written("N,D,loss,lr", [f"{row},1e-3" for row in ROWS])).notes
