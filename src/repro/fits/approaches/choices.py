"""Choices of the analysis of a ladder that could as well have been others, and what each makes of an estimate.

An interval over seeds holds them fixed. They are the same for every estimate of a kind, so that none is chosen for what
it does to one verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict

import pandas as pd

from repro.fits.approaches.rungs import over_seeds, valleys_of
from repro.statistics import Estimate

SPANS = (3.5, 12.0)  # factors around the best size, beside SPAN, within which a profile may be taken for a parabola


class Judged(TypedDict):
    """An estimate, and `also` what other choices make of it, by the choice in words: what `Study.settle` takes."""

    estimate: Estimate
    also: dict[str, Estimate]


def without_first(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings but the earliest, which follow a few dozen steps."""
    rest: pd.DataFrame = readings.loc[readings["D"] > readings["D"].min()]
    return rest


def without_narrowest(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings of all models but the smallest."""
    rest: pd.DataFrame = readings.loc[readings["N"] > readings["N"].min()]
    return rest


def without_widest(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings of all models but the largest."""
    rest: pd.DataFrame = readings.loc[readings["N"] < readings["N"].max()]
    return rest


CHOICES: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "first reading left out": without_first,
    "narrowest model left out": without_narrowest,
    "widest model left out": without_widest,
}


def under_choices(estimate: Callable[..., Estimate], *tables: pd.DataFrame) -> dict[str, Estimate]:
    """The estimate from the same tables of readings under each other choice, by the choice in words.

    Args:
        estimate: takes as many tables as are given.
    """
    return {name: estimate(*(keep(table) for table in tables)) for name, keep in CHOICES.items()}


def with_choices(estimate: Callable[..., Estimate], *tables: pd.DataFrame) -> Judged:
    """The estimate from tables of readings, and what each other choice makes of it."""
    return {"estimate": estimate(*tables), "also": under_choices(estimate, *tables)}


def under_spans(readings: pd.DataFrame) -> dict[str, Estimate]:
    """The exponent by parabolas (approach 2) through fewer and through more sizes about each minimum."""

    def exponent(span: float) -> Estimate:
        return over_seeds(readings, lambda rows: valleys_of(rows, span=span).a)

    return {f"sizes within {span:g} times the best": exponent(span) for span in SPANS}
