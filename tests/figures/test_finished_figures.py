"""Finished figures: every row is drawn, axes are named, and what data are held against lies where it should."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from repro.figures.curves import curves_figure, curves_table
from repro.figures.intervals import estimates_figure, estimates_table, groups_figure
from repro.figures.lines import lines_figure, sorted_figure
from repro.figures.points import points_figure
from repro.statistics import Estimate

RUNS = pd.DataFrame({"kl": [1.0, 2.0, 3.0, 4.0], "gold": [1.0, 3.0, 2.0, 5.0], "method": ["PPO", "DPO", "PPO", "RLOO"]})


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_every_run_is_a_point_of_its_group():
    """Groups in the order of their first rows, markers from the start again where there are more groups."""
    [ax] = points_figure(RUNS, x="kl", y="gold", by="method", markers="o^", xlabel="KL", ylabel="gold").axes

    assert ("KL", "gold") == (ax.get_xlabel(), ax.get_ylabel())
    assert ["PPO", "DPO", "RLOO"] == [text.get_text() for text in ax.get_legend().get_texts()]
    assert [([1, 3], "o"), ([2], "^"), ([4], "o")] == [(list(one.get_xdata()), one.get_marker()) for one in ax.lines]


def test_what_could_be_reached_lies_behind_the_points():
    """Else it would hide them."""
    best = {"best": ([0, 4], [0, 6], "--")}
    [ax] = points_figure(RUNS, x="kl", y="gold", by="method", xlabel="", ylabel="", reference=best).axes

    assert ["best", "PPO", "DPO", "RLOO"] == [line.get_label() for line in ax.lines]
    assert "--" == ax.lines[0].get_linestyle()


def test_a_reference_crosses_the_axis_of_the_values():
    """Estimates lie along x, curves along y."""
    estimates = estimates_table({"a": Estimate(1.5, 1, 2), "b": Estimate(3, 2, 4)})
    curves = curves_table(RUNS.assign(place=[1, 1, 10, 10], one="one"), by="one", x="place", y="gold")
    [across] = estimates_figure(estimates, xlabel="times", reference={1: ":"}).axes
    [along] = curves_figure(curves, by="one", x="place", xlabel="size", ylabel="times", reference={2: "--"}).axes

    assert ([1, 1], ":") == (list(across.lines[-1].get_xdata()), across.lines[-1].get_linestyle())
    assert ([2, 2], "--") == (list(along.lines[-1].get_ydata()), along.lines[-1].get_linestyle())


def test_more_lines_than_styles_are_refused():
    """So that lines are told apart without colour."""
    table = pd.DataFrame({name: [1, 2] for name in "abcdef"}, [1, 10])
    [ax] = lines_figure(table, xlabel="tokens", ylabel="bytes", log="xy").axes

    assert ("log", "log", 6) == (ax.get_xscale(), ax.get_yscale(), len(ax.lines))
    with pytest.raises(ValueError, match="at most 6"):
        lines_figure(table.assign(g=1), xlabel="", ylabel="")


def test_groups_stand_in_the_row_of_their_name_on_a_logarithmic_axis():
    """Rows from top to bottom, each with a mark per group; a gap stays empty."""
    table = pd.DataFrame({"language": ["Thai", "Thai", "Shan"], "by": ["old", "new", "old"], "value": [4.0, 2.0, 9.0]})
    table = table.assign(low=table["value"] - 0.1, high=table["value"] + 0.1)
    [ax] = groups_figure(table, rows="language", by="by", xlabel="times", reference={1: "--"}).axes

    assert ("log", ["Thai", "Shan"]) == (ax.get_xscale(), [text.get_text() for text in ax.get_yticklabels()])
    assert [[4.0, 9.0], [2.0, None]] == [
        [None if x != x else x for x in box.lines[0].get_xdata()] for box in ax.containers
    ]


def test_a_row_is_sorted_and_its_gaps_left_out():
    table = pd.DataFrame({"a": [3.0, 1.0], "b": [1.0, None], "c": [2.0, 5.0]}, index=["tokens", "bytes"])
    [ax] = sorted_figure(table, dashed=["bytes"], xlabel="", ylabel="").axes

    assert [[1.0, 2.0, 3.0], [1.0, 5.0]] == [[*line.get_ydata()] for line in ax.lines]
    assert ["-", "--"] == [line.get_linestyle() for line in ax.lines]
