"""Curves over seeds: every seed is seen, and nothing is drawn that no seed has."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from repro.figures.curves import draw_seeds

RUNS = pd.DataFrame({"size": [1, 1, 10, 10, 10], "share": [0.0, 1.0, 1.0, 1.0, 0.0]})


@pytest.mark.parametrize("log", [True, False])
def test_every_seed_is_a_point_of_its_own_and_their_mean_a_line(log: bool):
    """An interval over such seeds would reach below 0 and above 1."""
    _, ax = plt.subplots()
    points, mean = draw_seeds(ax, RUNS, x="size", y="share", log=log).lines

    assert list(RUNS["share"]) == list(points.get_ydata())
    assert 5 == len(set(points.get_xdata()))
    np.testing.assert_allclose(RUNS["size"], points.get_xdata(), atol=0.4)
    np.testing.assert_allclose([0.5, 2 / 3], mean.get_ydata())
    plt.close()
