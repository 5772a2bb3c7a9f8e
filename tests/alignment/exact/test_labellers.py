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


def test_a_coin_is_no_labeller():
    with pytest.raises(ValueError, match="less than a half"):
        Labels(pairs=100, flipped=0.5)
    with pytest.raises(ValueError, match="give more"):
        Labels(pairs=10)
