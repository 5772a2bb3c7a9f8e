"""Reading anyone's own training runs: a CSV or JSON-lines file with the usual column names and spellings of sizes.

Legend: N parameters, D training tokens, C floating-point operations, loss in nats per token.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from repro.corpora.tables.tables import complete
from repro.fits.runs.sizes import parse_size
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

FEWEST_RUNS = 6  # five parameters of a loss surface need more points than that
FEWEST_PARAMETERS, FEWEST_TOKENS = 100.0, 1000.0  # below these a count was surely written in millions or billions
AGREES = 1.25  # C and 6 N D may differ by this factor before the reader is told
SHOWN = 5  # problems named in one message
COLUMNS: dict[str, tuple[str, ...]] = {
    "N": ("n", "params", "parameters", "model_size", "n_params", "num_params", "model_params"),
    "D": ("d", "tokens", "n_tokens", "train_tokens", "training_tokens", "num_tokens"),
    "C": ("c", "flops", "flop", "compute", "training_flop", "training_flops", "train_flops", "total_flops"),
    "loss": ("loss", "val_loss", "final_loss", "eval_loss", "validation_loss", "test_loss"),
    "unique_tokens": ("unique_tokens", "n_unique_tokens", "dataset_tokens"),
    "epochs": ("epochs", "n_epochs", "num_epochs", "repetitions"),
    "counting": ("counting", "params_counting", "counting_convention"),
}
_WITHOUT = ("non_embedding_params", "params_non_embedding", "params_no_embed", "params_nonemb", "n_non_embedding")
_WITH = ("total_params", "params_total", "params_with_embedding")
_CONVENTIONS = {
    **dict.fromkeys(("embedding", "with_embedding", "with_embeddings", "total"), "with embeddings"),
    **dict.fromkeys(("non_embedding", "nonembedding", "no_embedding", "without_embeddings"), "without embeddings"),
}
UNSTATED = "unstated"
Row = tuple[int, dict[str, str]]  # the row's number in the file, its cells by column


class BadRuns(ValueError):
    """A file of runs that cannot be read; the message names rows, columns and what was expected."""


@dataclass(frozen=True)
class Runs:
    """Training runs of one file.

    frame: float columns N, D, C, loss and, where the file has them, epochs and unique_tokens; index: row in the file.
    convention: "with embeddings", "without embeddings" or "unstated", what N counts. notes: what a reader should know.
    """

    frame: pd.DataFrame
    convention: str
    notes: tuple[str, ...]
    columns: dict[str, str]


def read_runs(path: Path) -> Runs:
    """Read runs from a .csv or .jsonl file; two of N, D, C are enough (C = 6 N D gives the third).

    Raises:
        BadRuns: no such file, not UTF-8, empty, ragged, unknown or doubled columns, a value that is no positive number,
            fewer than six runs. The message names the row as the file counts it.
    """
    header, rows = _rows(path)
    columns = _columns(path, header)
    if len(rows) < FEWEST_RUNS:
        raise BadRuns(f"{path}: {len(rows)} runs; a fit needs at least {FEWEST_RUNS}")
    measured = {quantity: column for quantity, column in columns.items() if quantity != "counting"}
    values = _numbers(path, rows, measured)
    frame = values[[column for column in values if column not in ("N", "D", "C", "loss")]]
    frame = pd.concat([complete(values), frame], axis=1)
    if "unique_tokens" in frame and "epochs" not in frame:
        frame["epochs"] = frame["D"] / frame["unique_tokens"]
    convention = _convention(path, rows, columns)
    return Runs(frame, convention, tuple(_notes(frame, header, columns)), columns)


def _rows(path: Path) -> tuple[list[str], list[Row]]:
    if not path.is_file():
        raise BadRuns(f"{path}: no such file; expected a CSV of training runs")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise BadRuns(f"{path}: row {row} is not UTF-8 (byte {error.start}); save the file as UTF-8") from error
    if not text.strip():
        raise BadRuns(f"{path}: the file is empty; expected a header and at least {FEWEST_RUNS} runs")
    return _json_rows(path, text) if path.suffix == ".jsonl" else _csv_rows(path, text)


def _csv_rows(path: Path, text: str) -> tuple[list[str], list[Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header, rows = [cell.strip() for cell in next(reader)], []
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise BadRuns(
            f"{path}: row 1 names {', '.join(map(repr, doubled))} more than once; every column needs its name"
        )
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        raise BadRuns(f"{path}: row 1 is separated by semicolons or tabs; save the file with commas")
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise BadRuns(f"{path}: row {reader.line_num} has {len(cells)} cells; the header has {len(header)}")
            rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise BadRuns(f"{path}: row {reader.line_num} is no CSV: {error}") from error
    return header, rows


def _json_rows(path: Path, text: str) -> tuple[list[str], list[Row]]:
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadRuns(f"{path}: row {number} is no JSON: {error}; expected one object per line") from error
        if not isinstance(cells, dict):
            raise BadRuns(f"{path}: row {number} is a JSON {type(cells).__name__}; expected one object per line")
        rows.append((number, {name: "" if value is None else str(value) for name, value in cells.items()}))
    header = list(rows[0][1])
    for number, cells in rows:
        if set(cells) != set(header):
            odd = ", ".join(sorted(set(cells) ^ set(header)))
            raise BadRuns(f"{path}: row {number} has other fields than row {rows[0][0]}: {odd}")
    return header, rows


def _columns(path: Path, header: list[str]) -> dict[str, str]:
    """Which column holds which quantity."""
    spelled = {spelling: quantity for quantity, spellings in COLUMNS.items() for spelling in spellings}
    spelled |= dict.fromkeys((*_WITHOUT, *_WITH), "N")
    columns: dict[str, str] = {}
    for name in header:
        quantity = spelled.get(_plain(name))
        if quantity in columns:
            raise BadRuns(f"{path}: columns {columns[quantity]!r} and {name!r} both look like {quantity}; rename one")
        if quantity:
            columns[quantity] = name
    if "loss" not in columns:
        raise BadRuns(f"{path}: no column of the loss; {_nearest(header, ('loss',))}")
    if len({"N", "D", "C"} & set(columns)) < 2:
        lacking = tuple(quantity for quantity in ("N", "D", "C") if quantity not in columns)
        got = ", ".join(f"{columns[quantity]!r} as {quantity}" for quantity in ("N", "D", "C") if quantity in columns)
        raise BadRuns(f"{path}: two of N, D, C are needed, got {got or 'none'}; {_nearest(header, lacking)}")
    return columns


def _nearest(header: list[str], lacking: tuple[str, ...]) -> str:
    expected = "; ".join(f"{quantity} is read from {', '.join(COLUMNS[quantity])}" for quantity in lacking)
    known = [spelling for quantity in lacking for spelling in COLUMNS[quantity] if len(spelling) > 1]
    near = [(name, difflib.get_close_matches(_plain(name), known, n=1, cutoff=0.6)) for name in header]
    hints = [f"{name!r} (did you mean {match[0]!r}?)" for name, match in near if match][:SHOWN]
    return f"the file has {_listed(header)}. {expected}" + (f". Near: {', '.join(hints)}" if hints else "")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 2 * SHOWN} more" if len(names) > 2 * SHOWN else ""
    return ", ".join(map(repr, names[: 2 * SHOWN])) + more


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _numbers(path: Path, rows: list[Row], columns: dict[str, str]) -> pd.DataFrame:
    problems: list[str] = []
    values: dict[str, list[float]] = {quantity: [] for quantity in columns}
    for number, cells in rows:
        for quantity, column in columns.items():
            value, problem = _number(quantity, cells[column])
            values[quantity].append(value)
            if problem:
                problems.append(f"row {number}, column {column!r}: got {cells[column].strip()!r}, expected {problem}")
    if problems:
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise BadRuns(f"{path} cannot be read:\n  " + "\n  ".join(problems[:SHOWN]) + more)
    return pd.DataFrame(values, index=pd.Index([number for number, _ in rows], name="row"))


def _number(quantity: str, text: str) -> tuple[float, str]:
    """The value and, if it will not do, what was expected instead."""
    try:
        value = float(text) if quantity in ("loss", "epochs") else parse_size(text)
    except ValueError:
        return np.nan, "a number" if quantity in ("loss", "epochs") else "a number such as 350M, 1.4T, 1e9 or 1_000_000"
    if not np.isfinite(value) or value <= 0:
        return value, "a positive, finite number"
    if quantity == "N" and value < FEWEST_PARAMETERS:
        return value, "a count of parameters; write 7B or 7e9, not 7"
    if quantity in ("D", "unique_tokens") and value < FEWEST_TOKENS:
        return value, "a count of tokens; write 140B or 1.4e11, not 140"
    return value, ""


def _convention(path: Path, rows: list[Row], columns: dict[str, str]) -> str:
    """What N counts, from a column that says so or from the name of N's column."""
    named = _plain(columns.get("N", ""))
    by_name = "without embeddings" if named in _WITHOUT else "with embeddings" if named in _WITH else UNSTATED
    if "counting" not in columns:
        return by_name
    said: dict[str, int] = {}
    for number, cells in rows:
        text = cells[columns["counting"]]
        if _plain(text) not in _CONVENTIONS:
            raise BadRuns(
                f"{path}: row {number}, column {columns['counting']!r}: got {text!r}, "
                "expected embedding or non-embedding"
            )
        said.setdefault(_CONVENTIONS[_plain(text)], number)
    if len(said) > 1:
        (first, row), (second, other) = list(said.items())[:2]
        raise BadRuns(f"{path}: row {row} counts {first}, row {other} {second}; one file needs one convention")
    return next(iter(said))


def _notes(frame: pd.DataFrame, header: list[str], columns: dict[str, str]) -> Iterator[str]:
    unused = [name for name in header if name not in columns.values()]
    if unused:
        yield f"columns not used: {_listed(unused)}"
    if {"N", "D", "C"} <= set(columns):
        ratio = frame["C"] / (FLOP_PER_PARAMETER_TOKEN * frame["N"] * frame["D"])
        off = np.abs(np.log(ratio))
        many, row = int((off > np.log(AGREES)).sum()), off.idxmax()
        if many:
            yield (
                f"C differs from 6 N D by a factor of more than {AGREES:g} in {many} of {len(frame)} runs, most in row "
                f"{row} (C / 6ND = {ratio[row]:.3g}, median {ratio.median():.3g}): C may count another N (embeddings, "
                "attention) than the column of N. Every approach here takes C = 6 N D"
            )
