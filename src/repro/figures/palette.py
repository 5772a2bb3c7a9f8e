"""Colours by meaning. In the book each is a CSS variable, so that one figure reads well on light and on dark paper.

Source of the series colours: Okabe & Ito 2008, Color Universal Design; readers with any common colour blindness can
tell them apart.
"""

from __future__ import annotations

from types import MappingProxyType

PALETTE = MappingProxyType(
    {
        "ink": "#1f2430",
        "muted": "#6b7280",
        "faint": "#9aa1ad",
        "grid": "#d9dce3",
        "paper": "#ffffff",
        "blue": "#0072b2",
        "orange": "#e69f00",
        "green": "#009e73",
        "vermillion": "#d55e00",
        "purple": "#cc79a7",
        "sky": "#56b4e9",
    }
)
INK, MUTED, FAINT, GRID, PAPER = (PALETTE[role] for role in ("ink", "muted", "faint", "grid", "paper"))
SERIES = tuple(PALETTE[role] for role in ("blue", "vermillion", "green", "orange", "purple", "sky"))

VERDICTS = MappingProxyType(
    {
        "supported": PALETTE["blue"],
        "refuted": PALETTE["vermillion"],
        "open": PALETTE["muted"],
        "mixed": PALETTE["purple"],
        "untested": PALETTE["faint"],
        "attested": PALETTE["green"],
        "contradicted": PALETTE["vermillion"],
        "undisclosed": PALETTE["faint"],
        "not testable": PALETTE["faint"],
    }
)
