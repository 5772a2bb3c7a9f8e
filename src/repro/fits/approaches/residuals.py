"""Whether a surface fits the readings of a ladder: what is left of each reading, on average over seeds.

An interval over seeds knows the noise and not the form: where a surface bends otherwise than the losses do, every seed
errs alike, and more seeds would only close the interval on a wrong number. What is left of the same reading in
every seed is that error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from repro.fits.approaches.rungs import surface_of
from repro.fits.laws.surface import Surface

LARGEST = 0.02  # of the loss: a surface that misses a reading by more, in the mean over seeds, settles nothing


def residuals(readings: pd.DataFrame, fit: Callable[[pd.DataFrame], Surface] = surface_of) -> pd.DataFrame:
    """Measured over fitted loss, minus 1, a row per width and a column per number of tokens; the mean over seeds.

    Args:
        readings: columns seed, width, N, D, loss.
        fit: the surface of one seed's readings.
    """
    parts = []
    for _, rows in readings.groupby("seed"):
        surface = fit(rows)
        parts.append(rows.assign(left=rows["loss"] / surface.loss(rows["N"], rows["D"]) - 1))
    return pd.concat(parts).pivot_table(index="width", columns="D", values="left", aggfunc="mean")


def fits(left: pd.DataFrame) -> bool:
    """Whether no reading is missed by more than 2 % in the mean over seeds.

    Args:
        left: of `residuals`.
    """
    return float(np.nanmax(left.abs().to_numpy())) <= LARGEST


def percent(left: pd.DataFrame) -> pd.DataFrame:
    """The same as a table to be shown: a row per width, a column per number of tokens, per cent of the loss."""
    return (100 * left).round(1).rename(columns=lambda D: f"{D:,.0f} tokens").reset_index()
