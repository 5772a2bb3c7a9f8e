"""Bars of shares: every whole fills its row, and each part lies where its neighbours end."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from repro.figures.shares import draw_shares

TABLE = pd.DataFrame({"left": [1.0, 6.0], "right": [3.0, 2.0]}, index=["a quarter", "three quarters"])


def test_the_parts_of_a_row_follow_one_another_and_fill_it():
    """Numbers of any size are drawn in per cent of their own row."""
    _, ax = plt.subplots()
    left, right = draw_shares(ax, TABLE, whole="all").containers

    assert [(0, 25), (0, 75)] == [(bar.get_x(), bar.get_width()) for bar in left]
    assert [(25, 75), (75, 25)] == [(bar.get_x(), bar.get_width()) for bar in right]


def test_more_parts_than_colours_are_refused():
    """Two parts of one colour could not be told apart."""
    _, ax = plt.subplots()

    with pytest.raises(ValueError, match="at most 4"):
        draw_shares(ax, pd.DataFrame([range(5)]), whole="all")
