"""Units that cannot be: runs whose N, D and C together no training run has, and what was probably meant.

Legend: N parameters, D training tokens, C floating-point operations, loss in nats per token.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from repro.corpora.tables.names import SHOWN
from repro.fits.runs.cells import FEWEST_PARAMETERS, FEWEST_TOKENS
from repro.fits.runs.columns import PETAFLOP_DAY, BadRuns, Column
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

RATIO = (1e-4, 1e8)  # tokens per parameter of any run: Kaplan's smallest, of 768 parameters, saw 3e7 each
USUAL_RATIO = (1e-3, 1e6)  # of the middle run
COUNTED = (1e-3, 1e3)  # stated C over 6 N D; attention and embeddings make a factor of ten at most
LEAST_COMPUTE = 1e10  # FLOP of the middle run: less than a second of one processor
MOST_LOSS = 12.0  # nats per token of a uniform guess among 160,000 tokens
_MEANT = {
    "N": {"thousands": 1e3, "millions": 1e6, "billions": 1e9},
    "D": {"thousands": 1e3, "millions": 1e6, "billions": 1e9, "trillions": 1e12},
    "C": {
        "petaflop days (8.64e19 FLOP each)": PETAFLOP_DAY,
        **{f"units of {unit:g} FLOP": unit for unit in (1e9, 1e12, 1e15, 1e18, 1e21)},
    },
}


def refuse_units(frame: pd.DataFrame, columns: dict[str, Column]) -> None:
    """Let runs pass whose units can be.

    Args:
        frame: columns N, D, C, loss, index: row in the file. columns: those that the file gave; the others follow
            from C = 6 N D.

    Raises:
        BadRuns: the row that is farthest off, what it has, what is usual, and the unit that would explain it.
    """
    for off, values, unit, expected in _checks(frame):
        if not off.any():
            continue
        place = int(np.argmax(off))
        row = frame.index[place]
        names = [name for name in ("N", "D", "C") if name in columns]
        given = ", ".join(f"{columns[name].name!r} {frame[name][row]:.4g}" for name in names)
        many = f" ({int((off > 0).sum())} of {len(frame)} runs)" if (off > 0).sum() > 1 else ""
        got = f"row {row}{many}: {given} give {values[place]:.3g} {unit}"
        raise BadRuns(f"{got}; expected {expected}{_asked(frame, columns)}")


def _checks(frame: pd.DataFrame) -> Iterator[tuple[Array, Array, str, str]]:
    """How far off each run is (0: not at all), in which quantity, its unit, and what is expected."""
    N, D, C = (frame[name].to_numpy() for name in ("N", "D", "C"))
    ratio, counted = D / N, C / (FLOP_PER_PARAMETER_TOKEN * N * D)
    yield _below(D, FEWEST_TOKENS), D, "tokens", f"at least {FEWEST_TOKENS:g} tokens"
    yield _below(N, FEWEST_PARAMETERS), N, "parameters", f"at least {FEWEST_PARAMETERS:g} parameters"
    yield _outside(counted, COUNTED), counted, "for C / 6 N D", f"C to be 6 N D within a factor of {COUNTED[1]:g}"
    yield _outside(ratio, RATIO), ratio, "tokens per parameter", f"{RATIO[0]:g} to {RATIO[1]:g}"
    middle, total = float(np.median(ratio)), float(np.median(C))
    if not USUAL_RATIO[0] <= middle <= USUAL_RATIO[1]:
        expected = f"{USUAL_RATIO[0]:g} to {USUAL_RATIO[1]:g} in the middle run, got {middle:.3g}"
        yield _outside(ratio, USUAL_RATIO), ratio, "tokens per parameter", expected
    if total < LEAST_COMPUTE:
        expected = f"at least {LEAST_COMPUTE:g} FLOP in the middle run, got {total:.3g}"
        yield _below(C, LEAST_COMPUTE), C, "FLOP", expected


def _below(values: Array, least: float) -> Array:
    return np.asarray(np.maximum(np.log(least / values), 0.0))


def _outside(values: Array, bounds: tuple[float, float]) -> Array:
    return np.asarray(np.maximum(np.log(values / bounds[1]), 0.0) + np.maximum(np.log(bounds[0] / values), 0.0))


def _asked(frame: pd.DataFrame, columns: dict[str, Column]) -> str:
    """The one column and unit, or two, that would make every quantity usual, as a question."""
    given: dict[str, Array] = {str(name): frame[name].to_numpy() for name in ("N", "D", "C") if name in columns}
    single = [(name, unit) for name in reversed(given) for unit in _MEANT[name]]
    for name, unit in single:
        if _usual({**given, name: given[name] * _MEANT[name][unit]}):
            return f"; is {columns[name].name!r} in {unit}?"
    for first, unit in single:
        for second, other in single:
            units = {first: _MEANT[first][unit], second: _MEANT[second][other]}
            scaled: dict[str, Array] = {name: given[name] * factor for name, factor in units.items()}
            if first < second and _usual({**given, **scaled}):
                words = f"{columns[second].name!r} in {other} and {columns[first].name!r} in {unit}"
                return f"; is {words}?"
    return "; look at the units: N and D are counts, C is in FLOP"


def _usual(given: dict[str, Array]) -> bool:
    """Whether the middle run has between 0.1 and 10,000 tokens per parameter, at a compute that people spend."""
    six = FLOP_PER_PARAMETER_TOKEN
    N = given["N"] if "N" in given else given["C"] / (six * given["D"])
    D = given["D"] if "D" in given else given["C"] / (six * N)
    C = given.get("C", six * N * D)
    ratio, counted, compute = (float(np.median(values)) for values in (D / N, C / (six * N * D), C))
    return 0.1 <= ratio <= 1e4 and 0.1 <= counted <= 10 and 1e12 <= compute <= 1e28 and float(np.median(N)) >= 1e3


def about_units(frame: pd.DataFrame) -> Iterator[str]:
    """What may be another unit, and is taken as it stands."""
    if (middle := float(frame["loss"].median())) > MOST_LOSS:
        yield (
            f"the losses have the median {middle:.3g}, more than a uniform guess among 160,000 tokens has in nats per "
            "token; if these are perplexities, give their natural logarithms"
        )


def spelled_units(columns: dict[str, Column]) -> Iterator[str]:
    """Columns whose name says their unit, which is taken at its word."""
    named = [f"{column.name!r} times {column.unit:g}" for column in columns.values() if column.unit != 1.0]
    if named:
        yield f"units by the columns' names: {', '.join(named[:SHOWN])}"
