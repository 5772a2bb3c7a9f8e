"""One figure style for the whole book: a palette by meaning, a style sheet, finished figures, and their SVG."""

from repro.figures.markup import inline_svg
from repro.figures.palette import PALETTE, SERIES, VERDICTS
from repro.figures.style import apply_style, figure_style

__all__ = ["PALETTE", "SERIES", "VERDICTS", "apply_style", "figure_style", "inline_svg"]
