"""A figure in words says what its data hold, for each kind of figure that the book draws."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from repro.figures.curves import curves_figure
from repro.figures.intervals import draw_spans, estimates_figure, estimates_table
from repro.figures.lines import lines_figure
from repro.figures.points import points_figure
from repro.figures.shares import shares_figure
from repro.figures.words import figure_in_words
from repro.statistics import Estimate


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_curves_by_first_last_least_and_greatest():
    table = pd.DataFrame({"width": 8, "rate": [1e-3, 1e-2, 0.1, 1.0], "value": [3.0, 1.0, 2.0, 4.5]})
    drawn = curves_figure(
        table.assign(low=0.0, high=5.0),
        by="width",
        x="rate",
        xlabel="learning rate",
        ylabel="loss, nats",
        label="width {}",
        reference={0: "--"},
    )

    assert figure_in_words(drawn) == (
        "Loss, nats against learning rate, logarithmic. Width 8: 3 at 0.001, lowest 1 at 0.01, highest 4.5 at 1. "
        "Dashed line at 0."
    )


def test_estimates_by_name_with_their_intervals():
    rows = estimates_table({"PPO minus DPO": Estimate(-0.14, -0.42, 0.15), "control": Estimate(0.0, -0.01, 0.01)})

    assert figure_in_words(estimates_figure(rows, xlabel="gold", region=(0.05, 1.0))) == (
        "Gold. PPO minus DPO: minus 0.14, minus 0.42 to 0.15; control: 0, minus 0.01 to 0.01. Shaded from 0.05 to 1."
    )


def test_lines_points_shares_and_spans():
    lines = lines_figure(pd.DataFrame({"old": [1, 2], "new": [3, 3]}, index=[1, 100]), xlabel="x", ylabel="y", log="x")
    points = points_figure(
        pd.DataFrame({"k": [1, 2, 3], "g": [4, 6, 5], "m": ["A", "A", "B"]}),
        x="k",
        y="g",
        by="m",
        xlabel="KL",
        ylabel="gold",
    )
    shares = shares_figure(pd.DataFrame({"keys": [1], "values": [3]}, index=["Llama"]), whole="bytes")
    _, ax = plt.subplots()
    table = pd.DataFrame({"law": ["k1"], "beta": [1.0], "gap": [2.0], "gap_least": [0.1], "gap_median": [0.5]})
    draw_spans(ax, table, rows="law", value="gap", shade="beta", floor=1e-9)

    assert "Old: lowest 1 at 1, highest 2 at 100. New: 3 at 1, 3 at 100." in figure_in_words(lines)
    assert "A: 2 points, 4 to 6 at 1 to 2. B: one point, 5 at 3." in figure_in_words(points)
    assert "Keys: Llama 25. Values: Llama 75." in figure_in_words(shares)
    assert "Spans: k1: 0.1 to 2." in figure_in_words(ax.figure)


def test_panels_are_told_apart_and_many_series_by_their_span():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot(["7B", "70B"], [1, 2], label="bytes")
    left.set_title("by gold")
    for shift in range(9):
        right.plot([0, 1], [shift, shift + 1])

    words = figure_in_words(figure)
    assert words.startswith("2 panels. Panel 1, by gold: ")
    assert "Bytes: lowest 1 at 7B, highest 2 at 70B." in words
    assert "9 series" in words
