"""Labels: enough of them teach what they hold, random errors average out, and a taste does not."""

from __future__ import annotations

import numpy as np
import pytest

from repro.alignment.exact.labellers import Labels, labelled_by

SMALL = {"answers": 60, "features": 4, "worlds": 4}


def share(pairs, **kind):
    return float(np.mean(labelled_by(Labels(pairs=pairs, **kind, **SMALL), 0)["share"]))


def test_labels_without_end_teach_gold_whoever_errs_at_random():
    assert share(2_000_000) == pytest.approx(1, abs=0.001)
    assert share(2_000_000, flipped=0.4) == pytest.approx(1, abs=0.01)


def test_a_taste_is_not_averaged_out():
    assert share(2_000_000, taste=1.0) < 0.9


def test_random_errors_cost_where_labels_are_scarce_and_hide_where_they_are_plenty():
    """At 2,000 labels there is little left to lose, so any error passes; not where people's leave much."""
    sizes = {"answers": 60, "features": 10, "worlds": 20}

    def cost(pairs):
        people, erring = (labelled_by(Labels(pairs=pairs, flipped=one, **sizes), 0)["share"] for one in (0.0, 0.1))
        return float(np.mean(people)), float(np.mean(people) - np.mean(erring))

    (plenty, hidden), (scarce, seen) = cost(2_000), cost(60)
    assert plenty > 0.95 and hidden < 0.05
    assert 0.5 < scarce < 0.9 and seen > 0.05


def test_a_coin_is_no_labeller():
    with pytest.raises(ValueError, match="less than a half"):
        Labels(pairs=100, flipped=0.5)
    with pytest.raises(ValueError, match="give more"):
        Labels(pairs=10)
