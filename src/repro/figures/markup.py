"""A matplotlib figure as SVG that can stand inside a page: one text for one figure, whoever draws it."""

from __future__ import annotations

import io
import re
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from repro.figures.palette import PALETTE

PIXELS_PER_POINT = 96 / 72


def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an `<svg>` element with the colours of the palette as CSS variables.

    Equal figures of one name give equal text: no date, and ids hashed from `name`, which also keeps them apart from
    those of another figure on the page.

    Raises:
        ValueError: no alternative text, or a name that cannot be part of an id.
    """
    if not alt.strip():
        raise ValueError(f"figure {name!r} has no alternative text; say in words what a reader would see in it")
    if not re.fullmatch(r"[A-Za-z][\w-]*", name):
        raise ValueError(f"figure name {name!r}; expected a letter, then letters, digits, - and _")
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    document = buffer.getvalue()
    body = _without_asides(document[document.index("<svg") :])
    return _labelled(_with_variables(_with_own_ids(body, name)), name, " ".join(alt.split()))


def _without_asides(svg: str) -> str:
    """The SVG without comments, metadata and matplotlib's style `* {...}`, which would reach all of the page."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>|<defs>\s*</defs>", "", svg, flags=re.DOTALL)
    return re.sub(r' d="([^"]*)"', lambda path: f' d="{" ".join(path.group(1).split())}"', svg)


def _with_own_ids(svg: str, name: str) -> str:
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', svg)


def _with_variables(svg: str) -> str:
    for role, colour in PALETTE.items():  # no two roles share a colour, so none is replaced twice
        svg = re.sub(rf"{colour}\b", f"var(--repro-{role}, {colour})", svg, flags=re.IGNORECASE)
    return svg


def _labelled(svg: str, name: str, alt: str) -> str:
    opening, rest = svg.split(">", 1)
    box = re.search(r'viewBox="([\d. ]+)"', opening)
    if box is None:
        raise ValueError(f"figure {name!r}: matplotlib wrote no viewBox in {opening!r}")
    width, height = (round(float(side) * PIXELS_PER_POINT) for side in box.group(1).split()[2:])
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box.group(1)}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(alt, quote=True)}" style="stroke-linejoin: round; stroke-linecap: butt">'
    )
    return "\n".join(line.strip() for line in f"{head}{rest}".splitlines() if line.strip())
