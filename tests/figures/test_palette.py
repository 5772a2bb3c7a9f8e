"""Colours that readers can tell apart, on paper, on screen and without colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from repro.bookkeeping.ledger import Outcome
from repro.figures import PALETTE, SERIES, VERDICTS
from repro.figures.style import STYLE

# Machado, Oliveira & Fernandes 2009, A Physiologically-based Model for Simulation of Color Vision Deficiency, at
# severity 1; matrices act on linear RGB.
DEFICIENCIES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colours: tuple[str, ...], matrix: np.ndarray) -> float:
    """The least difference (CIE76) between two of the colours, seen through a deficiency."""
    seen = [lab(matrix @ linear(colour)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


def test_the_first_four_series_can_be_told_apart_by_every_reader():
    """A difference of 10 is plain at a glance; a figure with more series than four also uses markers."""
    for matrix in [np.eye(3), *map(np.array, DEFICIENCIES.values())]:
        assert nearest(SERIES[:4], matrix) > 10


def test_supported_and_refuted_are_never_confused():
    """The two that matter most; red and green would fail here."""
    pair = (VERDICTS["supported"], VERDICTS["refuted"])

    assert all(nearest(pair, np.array(matrix)) > 30 for matrix in DEFICIENCIES.values())
    assert any(nearest(("#d62728", "#2ca02c"), np.array(matrix)) < 30 for matrix in DEFICIENCIES.values())


def test_every_outcome_has_a_colour_of_the_palette():
    assert {str(outcome) for outcome in Outcome} == set(VERDICTS)
    assert set(VERDICTS.values()) <= set(PALETTE.values())


def test_no_two_roles_share_a_colour():
    """Or a figure's colour could not be given back its meaning."""
    assert len(PALETTE) == len(set(PALETTE.values()))


def test_text_of_a_figure_stays_text():
    assert "none" == STYLE["svg.fonttype"]
