"""Reading anyone's own training runs: a table with the usual column names and spellings of sizes.

Legend: N parameters, D training tokens, C floating-point operations, loss in nats per token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from repro.corpora.tables.names import listed, plain
from repro.corpora.tables.sheets import Sheet, read_sheet
from repro.corpora.tables.tables import complete
from repro.corpora.tables.unpacking import BadSheet, file_bytes, shown
from repro.fits.runs.budgets import settled
from repro.fits.runs.cells import read_numbers
from repro.fits.runs.columns import (
    ACTIVE,
    UNSTATED,
    WITH,
    WITHOUT,
    BadRuns,
    Column,
    convention_of,
    find_columns,
    names_runs,
)
from repro.fits.runs.doubts import about_spread, refuse_untold
from repro.fits.runs.oddities import Sifted, about_cells, best_of_cells, near_the_surface, once
from repro.fits.runs.units import about_units, refuse_units, spelled_units
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

FEWEST_RUNS = 6  # five parameters of a loss surface need more points than that
NOT_BEST = "worse than the best of their cell"
AGREES = 1.25  # C and 6 N D may differ by this factor before the reader is told
_CONVENTIONS = {
    **dict.fromkeys(("embedding", "with_embedding", "with_embeddings", "total"), WITH),
    **dict.fromkeys(("non_embedding", "nonembedding", "no_embedding", "without_embeddings"), WITHOUT),
    **dict.fromkeys(("active", "active_params", "active_parameters"), ACTIVE),
}


@dataclass(frozen=True)
class Runs:
    """Training runs of one file.

    frame: float columns N, D, C, loss and, where the file has them, epochs and unique_tokens; index: row in the file.
    C is the file's own where it states one, else 6 N D; budgets that are equal but for rounding are equal.
    convention: what N counts, UNSTATED where nothing says it. notes: what a reader should know. warnings: what he
    should doubt. left_out: rows that are not fitted, by the reason.
    """

    frame: pd.DataFrame
    convention: str
    notes: tuple[str, ...]
    columns: dict[str, str]
    warnings: tuple[str, ...] = ()
    left_out: dict[str, tuple[int, ...]] = field(default_factory=dict)


def read_runs(path: Path, *, best_of_cell: bool = False, keep_outliers: bool = False) -> Runs:
    """Read runs from a table of any usual format; two of N, D, C are enough (C = 6 N D gives the third).

    Exact copies count once, and runs far from the surface of all others are left out; both are named.

    Args:
        best_of_cell: of several runs of one N and D keep the one of least loss.
        keep_outliers: leave no run out for lying far from the surface.

    Raises:
        BadRuns: no such file, no table, unknown or doubled columns, a value that is no positive number, units that
            cannot be, fewer than six runs, or runs that cannot tell a law. The message names the row as the file
            counts it, or the column.
    """
    try:
        sheet = read_sheet(file_bytes(path, "one training run per row"), names_runs)
        return _read(sheet, best_of_cell=best_of_cell, keep_outliers=keep_outliers)
    except BadSheet as error:
        raise BadRuns(f"{shown(path)}: {error}") from error


def _read(sheet: Sheet, *, best_of_cell: bool, keep_outliers: bool) -> Runs:
    columns = find_columns(sheet)
    if len(sheet.rows) < FEWEST_RUNS:
        raise BadRuns(f"{len(sheet.rows)} runs; a fit needs at least {FEWEST_RUNS}")
    measured = {quantity: column for quantity, column in columns.items() if quantity != "counting"}
    frame = _completed(read_numbers(sheet, measured))
    refuse_units(frame, measured)
    others = {name: sheet.cells[place] for place, name in enumerate(sheet.header) if place not in _places(measured)}
    texts = pd.DataFrame(others, index=frame.index)
    sieves: dict[str, Callable[[pd.DataFrame], Sifted]] = {"copies": lambda runs: once(runs, texts.loc[runs.index])}
    sieves |= {NOT_BEST: best_of_cells} if best_of_cell else {}
    sieves |= {} if keep_outliers else {"outliers": near_the_surface}
    warnings, notes, left_out = [*about_units(frame)], list[str](), dict[str, tuple[int, ...]]()
    for name, sieve in sieves.items():
        _enough(frame, measured)
        sifted = sieve(frame)
        frame = sifted.frame
        if sifted.words:
            (notes if name == NOT_BEST else warnings).append(sifted.words)  # what was asked for is no warning
        left_out |= {name: sifted.left_out} if sifted.left_out else {}
    _enough(frame, measured)
    warnings += [*about_spread(frame, measured), *about_cells(frame, texts.loc[frame.index])]
    return Runs(
        settled(frame),
        _convention(sheet, columns),
        (*notes, *_notes(frame, sheet.header, columns)),
        {quantity: column.name for quantity, column in columns.items()},
        tuple(warnings),
        left_out,
    )


def _places(columns: dict[str, Column]) -> set[int]:
    return {column.place for column in columns.values()}


def _enough(frame: pd.DataFrame, columns: dict[str, Column]) -> None:
    """Let runs pass that are enough for a law, and can tell one."""
    if len(frame) < FEWEST_RUNS:
        raise BadRuns(f"{len(frame)} different runs; a fit needs at least {FEWEST_RUNS}")
    refuse_untold(frame, columns)


def _completed(values: pd.DataFrame) -> pd.DataFrame:
    """Columns N, D, C, loss, then epochs and unique_tokens where the file has one of them."""
    more = [name for name in ("unique_tokens", "epochs") if name in values]
    frame = pd.concat([complete(values), values[more]], axis=1)
    if "unique_tokens" in frame and "epochs" not in frame:
        frame["epochs"] = frame["D"] / frame["unique_tokens"]
    return frame


def _convention(sheet: Sheet, columns: dict[str, Column]) -> str:
    """What N counts, from a column that says so or from the name of N's column."""
    if "counting" not in columns:
        return convention_of(columns["N"].name) if "N" in columns else UNSTATED
    said: dict[str, int] = {}
    counting = columns["counting"]
    for number, text in zip(sheet.rows, sheet.cells[counting.place], strict=True):
        if plain(text) not in _CONVENTIONS:
            got = f"got {text[:80]!r}, expected embedding or non-embedding"
            raise BadRuns(f"row {number}, column {counting.name!r}: {got}")
        said.setdefault(_CONVENTIONS[plain(text)], number)
    if len(said) > 1:
        (first, row), (second, other) = list(said.items())[:2]
        raise BadRuns(f"row {row} counts {first}, row {other} {second}; one file needs one convention")
    return next(iter(said))


def _notes(frame: pd.DataFrame, header: list[str], columns: dict[str, Column]) -> Iterator[str]:
    unused = [name for place, name in enumerate(header) if place not in _places(columns) and name]
    if unused:
        yield f"columns not used: {listed(unused)}"
    yield from spelled_units(columns)
    if "N" in columns and convention_of(columns["N"].name) == ACTIVE:
        yield f"N is {columns['N'].name!r}, which set the compute of a mixture of experts; N* counts active parameters"
    if {"N", "D", "C"} <= set(columns):
        ratio = frame["C"] / (FLOP_PER_PARAMETER_TOKEN * frame["N"] * frame["D"])
        off = np.abs(np.log(ratio))
        many, row = int((off > np.log(AGREES)).sum()), off.idxmax()
        if many:
            yield (
                f"C differs from 6 N D by a factor of more than {AGREES:g} in {many} of {len(frame)} runs, most in row "
                f"{row} (C / 6ND = {ratio[row]:.3g}, median {ratio.median():.3g}): C may count another N (embeddings, "
                f"attention) than the column of N. Budgets are those of {columns['C'].name!r}"
            )
