"""What runs cannot tell: a law needs several N, several D, both apart from one another, and losses that differ.

Legend: N parameters, D training tokens, C floating-point operations, loss in nats per token.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.fits.runs.columns import BadRuns, Column
from repro.floor.arrays import Array

MOST_RUNS = 0.9  # what nine tenths of the runs share, the others hardly make up for
ALIKE, NEARLY = 1.1, 1.5  # factor that these may span: refused below the first, doubted below the second
SAME_LOSS, NEARLY_SAME_LOSS = 1.001, 1.01  # of the loss: two seeds of one run differ by as much
FEWEST_VALUES = 3  # a power law with a floor has three unknowns
EXACT = 1e-9  # digits that a product of N and D loses
APART = 0.01  # values that differ by less, in logs, are one


def refuse_untold(frame: pd.DataFrame, columns: dict[str, Column]) -> None:
    """Let runs pass that can tell the surface.

    Raises:
        BadRuns: one N, one D, one loss, or D that follows from N, each in nine tenths of the runs or more.
    """
    for name in ("N", "D", "loss"):
        log = np.log(frame[name].to_numpy())
        span, within = narrowest(log)
        if span < np.log(ALIKE if name != "loss" else SAME_LOSS):
            raise BadRuns(f"{_column(name, columns)} {_alike(log, within)}; {_WANTED[name]}")
        if name != "loss" and (distinct := _distinct(log)) < FEWEST_VALUES:
            raise BadRuns(f"{_column(name, columns)} has {distinct} values in {len(frame)} runs; {_WANTED[name]}")
    ratio = np.log(frame["D"].to_numpy() / frame["N"].to_numpy())
    span, within = narrowest(ratio)
    if span < np.log(ALIKE):
        raise BadRuns(f"D / N {_alike(ratio, within)}: {_both(columns)}; {_APART}")
    slope, span, within = _line(frame)
    if slope > 0 and span < np.log(ALIKE):
        raise BadRuns(
            f"D grows as N^{slope:.3g} in {_share(within)}, within a factor of {np.exp(span):.3g}: {_both(columns)}; "
            f"{_APART}"
        )


_APART = (
    "such runs cannot tell what N does from what D does, nor how to share compute between them; add runs of other D at "
    "the same N"
)
_WANTED = {
    "N": f"the law needs at least {FEWEST_VALUES} sizes to tell what N does",
    "D": f"the law needs at least {FEWEST_VALUES} amounts of data to tell what D does",
    "loss": "a law needs losses that differ",
}


def about_spread(frame: pd.DataFrame, columns: dict[str, Column]) -> Iterator[str]:
    """What the runs tell, but hardly."""
    for name in ("N", "D", "loss"):
        log = np.log(frame[name].to_numpy())
        span, within = narrowest(log)
        if span < np.log(NEARLY if name != "loss" else NEARLY_SAME_LOSS):
            yield f"little spread: {_column(name, columns)} {_alike(log, within)}; {_WANTED[name]}"
    ratio = np.log(frame["D"].to_numpy() / frame["N"].to_numpy())
    span, within = narrowest(ratio)
    if span < np.log(NEARLY):
        yield f"little spread: D / N {_alike(ratio, within)}; runs far from one ratio tell what N and D do apart"
        return
    slope, span, within = _line(frame)
    if slope > 0 and span < np.log(NEARLY):
        grows = f"D grows as N^{slope:.3g} in {_share(within)}"
        yield f"little spread: {grows}; runs far from that tell what N and D do apart"


def narrowest(values: Array) -> tuple[float, NDArray[np.bool_]]:
    """The least span that holds nine tenths of the values, and which of them lie in it: all, if all are as near."""
    order = np.argsort(values, kind="stable")
    most = int(np.ceil(MOST_RUNS * values.size))
    spans = values[order[most - 1 :]] - values[order[: values.size - most + 1]]
    first = int(np.argmin(spans))
    low, high = values[order[first]], values[order[first + most - 1]]
    aside = float(spans[first]) * 1.2  # what else lies so near belongs to them
    return float(spans[first]), np.asarray((values >= high - aside - EXACT) & (values <= low + aside + EXACT))


def _line(frame: pd.DataFrame) -> tuple[float, float, NDArray[np.bool_]]:
    """Slope of log D over log N through nine tenths of the runs, the span of these about it, and which they are."""
    x, y = np.log(frame["N"].to_numpy()), np.log(frame["D"].to_numpy())
    within = np.ones(x.size, dtype=bool)
    for _ in range(5):
        apart = x[within] - x[within].mean()
        slope = float(apart @ y[within] / max(float(apart @ apart), 1e-300))
        span, within = narrowest(y - slope * x)
    return slope, span, within


def _distinct(log: Array) -> int:
    """How many values lie apart, counted up to the fewest that are needed."""
    ordered, first = np.sort(log), 0
    for count in range(1, FEWEST_VALUES):
        first = int(np.searchsorted(ordered, ordered[first] + APART, side="right"))
        if first == ordered.size:
            return count
    return FEWEST_VALUES


def _alike(log: Array, within: NDArray[np.bool_]) -> str:
    """Where the values lie that are alike, and in how many runs."""
    low, high = (float(np.exp(end(log[within]))) for end in (np.min, np.max))
    where = f"is {low:.4g}" if high < low * 1.0001 else f"lies between {low:.4g} and {high:.4g}"
    return f"{where} in {_share(within)}"


def _share(within: NDArray[np.bool_]) -> str:
    return "every run" if within.all() else f"{int(within.sum())} of {within.size} runs"


def _column(name: str, columns: dict[str, Column]) -> str:
    if name in columns:
        return f"column {columns[name].name!r}"
    return f"{name} (from {', '.join(repr(columns[other].name) for other in ('C', 'N', 'D') if other in columns)})"


def _both(columns: dict[str, Column]) -> str:
    return " and ".join(f"{_column(name, columns)}" for name in ("N", "D")) + " say the same"


CHOICE = 2.0  # factor between the sizes tried at one compute, below which there was nothing to choose
BUDGETS_APART = 1.5  # factor between the budgets, below which they are one


def refuse_without_choice(number: int, frame: pd.DataFrame) -> None:
    """Let runs pass that can tell approach 1 or 2 how the best size moves with compute.

    Raises:
        ValueError: one budget, or one size at each.
    """
    log_C, log_N = np.log(frame["C"].to_numpy()), np.log(frame["N"].to_numpy())
    span, within = narrowest(log_C)
    if span < np.log(BUDGETS_APART):
        raise ValueError(f"one budget: C {_alike(log_C, within)}; how the best size grows with compute takes several")
    apart = log_C - log_C.mean()
    span, within = narrowest(log_N - apart * float(apart @ log_N) / float(apart @ apart))
    if number == 1 and span < np.log(CHOICE):
        raise ValueError(
            f"at equal compute the sizes tried lie within a factor of {np.exp(span):.3g} in {_share(within)}; the "
            "envelope would show which sizes were tried, not which are best"
        )
