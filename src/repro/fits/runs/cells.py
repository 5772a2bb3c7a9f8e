"""From texts to numbers, column by column, with every cell named that holds none.

Legend: N parameters, D training tokens, C floating-point operations, loss in nats per token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from repro.corpora.tables.names import SHOWN
from repro.corpora.tables.numbers import decimal_comma, read_number
from repro.corpora.tables.sheets import Sheet
from repro.fits.runs.columns import BadRuns, Column
from repro.floor.arrays import Array

FEWEST_PARAMETERS, FEWEST_TOKENS = 100.0, 1000.0  # below these a count was surely written in millions or billions
LEAST_LOSS, MOST = 1e-6, 1e40  # beyond these no run lies, and powers of them leave what a double holds
_PLAIN = ("loss", "epochs")  # numbers that take no suffix
_SUMMARY = re.compile(
    r"(grand |sub)?(total|sum|mean|average|avg|median|summe|gesamt|mittelwert|durchschnitt|moyenne|promedio)s?:?", re.I
)


def read_numbers(sheet: Sheet, columns: dict[str, Column]) -> pd.DataFrame:
    """Float columns by quantity, in their base units; index: the row in the file.

    Raises:
        BadRuns: cells that hold no such number; the first five are named.
    """
    _refuse_summary(sheet, {column.place for column in columns.values()})
    comma = decimal_comma(sheet.cells[columns["loss"].place])
    values: dict[str, Array] = {}
    problems: list[tuple[int, str]] = []
    for quantity, column in columns.items():
        texts = sheet.cells[column.place]
        numbers = [read_number(text, comma=comma, plain=quantity in _PLAIN, unit=column.unit) for text in texts]
        values[quantity] = np.array(numbers, dtype=float)
        for place, expected in _wrong(quantity, column, values[quantity]):
            number, text = sheet.rows[place], texts[place].strip()
            problems.append((number, f"row {number}, column {column.name!r}: got {text[:80]!r}, expected {expected}"))
    if problems:
        problems.sort()
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise BadRuns(
            "cannot be read (mend these rows, or take them out):\n  "
            + "\n  ".join(text for _, text in problems[:SHOWN])
            + more
        )
    return pd.DataFrame(values, index=pd.Index(sheet.rows, name="row"))


def _refuse_summary(sheet: Sheet, read: set[int]) -> None:
    """Let sheets pass that do not end in a row of totals or means, which would be fitted as a run."""
    for place, texts in enumerate(sheet.cells):
        last = texts[-1].strip() if texts else ""
        if place not in read and _SUMMARY.fullmatch(last) and last not in [text.strip() for text in texts[:-1]]:
            got = f"row {sheet.rows[-1]}, column {sheet.header[place]!r}: got {last!r}"
            raise BadRuns(f"{got}; a row that sums up the others is no run, take it out")


def _wrong(quantity: str, column: Column, values: Array) -> Iterator[tuple[int, str]]:
    """Places of the cells that will not do, and what was expected there instead."""
    fewest, count = {
        "N": (FEWEST_PARAMETERS, "a count of parameters; write 7B or 7e9, not 7"),
        "D": (FEWEST_TOKENS, "a count of tokens; write 140B or 1.4e11, not 140"),
        "unique_tokens": (FEWEST_TOKENS, "a count of tokens; write 140B or 1.4e11, not 140"),
        "loss": (LEAST_LOSS, "a loss in nats per token"),
    }.get(quantity, (0.0, ""))
    number = "a number" if quantity in _PLAIN else "a number such as 350M, 1.4T, 1e9 or 1_000_000"
    for place in np.flatnonzero(~((values >= fewest) & (values > 0) & (values < MOST))):
        value = values[place]
        if np.isnan(value):
            yield int(place), f"{number}: positive, finite"
        elif value <= 0 or value >= MOST:
            yield int(place), f"a positive, finite number below {MOST:g}"
        else:
            yield int(place), count
