"""Budgets that a file means: those that differ by rounding are one.

Legend: C floating-point operations.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

GAP, WIDTH = 0.02, 0.05  # in log C: N and D of three digits leave 6 N D within 1 %, and budgets lie farther apart


def settled(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs with one C for all runs of a budget, the middle one.

    Runs are of one budget where each lies within 2 % of the next and all within 5 %; a longer chain is no budget, but
    runs at scattered compute, and keeps its own C. Approach 1 goes by who spent less, which rounding must not decide.
    """
    log_C = np.log(frame["C"].to_numpy())
    order = np.argsort(log_C, kind="stable")
    numbers = np.concatenate([[0], np.cumsum(np.diff(log_C[order]) > GAP)])
    budgets = pd.Series(log_C[order]).groupby(numbers)
    middle = budgets.transform("median").to_numpy()
    wide = (budgets.transform("max") - budgets.transform("min")).to_numpy() > WIDTH
    apart = log_C[order]
    log_C[order] = np.where(wide, apart, middle)
    return frame.assign(C=np.exp(log_C))
