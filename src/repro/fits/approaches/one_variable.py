"""What a ladder says of the loss as a power of parameters, tokens or compute taken alone, each under other choices too.

The table of readings is that of `rungs`. Every function gives what `Study.settle` takes: the estimate, and `also` what
other choices, as good, make of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from repro.fits.approaches.choices import Judged, without_first, without_narrowest
from repro.fits.approaches.rungs import at_budgets, budgets_of, exponent_at, least_gain, over_seeds
from repro.fits.laws.power_law import extrapolation_error, fit_pure_law
from repro.statistics import Estimate

Statistic = Callable[[pd.DataFrame], float]
TO_DOUBLE = 2  # budgets to a factor of two, so that eight times a budget lies six budgets on
FEWEST_READINGS = 5  # of a model whose loss is followed over tokens
FEWEST_SIZES = 4  # of a law of parameters


def error_of(x: str, law: str, held: int) -> Statistic:
    """The relative error of a law in column `x` at its largest value, fitted without the `held` largest."""
    return lambda rows: extrapolation_error(rows[x], rows["loss"], law=law, held=held)


def nearer(held: int) -> Statistic:
    """By how much a power law of parameters comes nearer to the largest model than a law of fixed amounts does."""
    pure, fixed = (error_of("N_inside", law, held) for law in ("pure", "fixed amount"))
    return lambda rows: abs(fixed(rows)) - abs(pure(rows))


def held_out_sizes(readings: pd.DataFrame, D: float, statistic: Callable[[int], Statistic]) -> Judged:
    """A statistic of the models that have read D tokens, two held out; also with one held out, and after more tokens.

    Args:
        statistic: of how many models are held out.
    """
    after, later = readings[readings["D"] == D], _later(readings, D, sizes=FEWEST_SIZES + 1)
    also = {"only the largest model held out": over_seeds(after, statistic(1))}
    also |= {f"after {d:,.0f} tokens, the same": over_seeds(rows, statistic(1)) for d, rows in later.items()}
    return {"estimate": over_seeds(after, statistic(2)), "also": also}


def exponent_in_params(readings: pd.DataFrame, D: float) -> Judged:
    """The exponent of a pure law in parameters without embeddings after D tokens; also after more, by fewer models.

    Kaplan's alpha_N is that of training without end (Kaplan et al. 2020, eq. 1.1), so fewer tokens would not do.
    """
    also = {
        f"after {d:,.0f} tokens, {rows['N'].nunique()} models": _exponent(rows, "N_inside")
        for d, rows in _later(readings, D, sizes=FEWEST_SIZES).items()
    }
    return {"estimate": _exponent(readings[readings["D"] == D], "N_inside"), "also": also}


def shrinking_exponent(readings: pd.DataFrame, D: float) -> Judged:
    """The exponent in parameters after the fewest tokens over that after D; also by the same models at both."""
    short, both = readings["D"].min(), readings["width"].isin(readings.loc[readings["D"] == D, "width"])

    def ratio(table: pd.DataFrame) -> Estimate:
        return over_seeds(table, lambda rows: exponent_at(rows, short) / exponent_at(rows, D))

    also = {"the same models at both": ratio(readings[both])}
    return {
        "estimate": ratio(readings),
        "also": also | {"narrowest model left out": ratio(without_narrowest(readings))},
    }


def gain_of_size(readings: pd.DataFrame) -> Judged:
    """The least gain of a step up the ladder at equal tokens; also without the narrowest model."""
    also = {"narrowest model left out": least_gain(without_narrowest(readings))}
    return {"estimate": least_gain(readings), "also": also}


def error_in_tokens(readings: pd.DataFrame, law: str) -> Judged:
    """The error of a law in tokens at twice as many as it was fitted to, of the widest model that was followed."""
    widest, narrower = _followed(readings)
    statistic = error_of("D", law, held=1)
    return {
        "estimate": over_seeds(widest, statistic),
        "also": {"the next narrower model": over_seeds(narrower, statistic)},
    }


def exponent_in_tokens(readings: pd.DataFrame) -> Judged:
    """The exponent of a pure law in tokens, of the widest model that was followed."""
    widest, narrower = _followed(readings)
    also = {"first reading left out": _exponent(without_first(widest), "D")}
    return {"estimate": _exponent(widest, "D"), "also": also | {"the next narrower model": _exponent(narrower, "D")}}


def error_in_compute(readings: pd.DataFrame) -> Estimate:
    """The error of a pure law in compute at eight times as much as it was fitted to, of the least loss over sizes."""
    return over_seeds(_least_losses(readings), error_of("C", "pure", held=3 * TO_DOUBLE))


def exponent_in_compute(readings: pd.DataFrame) -> Estimate:
    """The exponent of a pure law in compute, of the least loss over sizes at each budget."""
    return _exponent(_least_losses(readings), "C")


def _exponent(rows: pd.DataFrame, x: str) -> Estimate:
    return over_seeds(rows, lambda one: fit_pure_law(one[x], one["loss"]).alpha)


def _later(readings: pd.DataFrame, D: float, sizes: int) -> dict[float, pd.DataFrame]:
    """The readings after each larger number of tokens that so many sizes have read."""
    after = {float(d): readings.loc[readings["D"] == d] for d in np.unique(readings["D"]) if d > D}
    return {d: rows for d, rows in after.items() if rows["N"].nunique() >= sizes}


def _followed(readings: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The readings of the widest model with five of them or more, and those of the next narrower."""
    counts = readings.groupby("width")["D"].nunique()
    narrower, widest = sorted(counts[counts >= FEWEST_READINGS].index)[-2:]
    return readings[readings["width"] == widest], readings[readings["width"] == narrower]


def _least_losses(readings: pd.DataFrame) -> pd.DataFrame:
    profiles = at_budgets(readings, budgets_of(readings, to_double=TO_DOUBLE, fewest=3))
    return profiles.groupby(["seed", "C"])["loss"].min().reset_index()
