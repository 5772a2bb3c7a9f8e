"""A strip beside each verdict: the region as a band, the interval as a bar, the rival as a mark."""

from __future__ import annotations

import math
from collections.abc import Callable

from repro.bookkeeping.display.elements import tag
from repro.bookkeeping.display.spelling import interval, number, region
from repro.bookkeeping.ledger import Claim
from repro.floor.estimate import Estimate

WIDTH, HEIGHT, MARGIN = 640, 58, 14
BAND_TOP, BAND_HEIGHT, LABELS = 8, 26, 50
SVG = "http://www.w3.org/2000/svg"  # in an ePub, which is XML, a picture without it would be its bare numbers
CHARACTER = 11.0  # px that one digit of a label takes where the style sheet sets it largest


def strip(claim: Claim, estimate: Estimate, *, at_a_glance: bool = False) -> str:
    """The picture as an `<svg>`; empty where the claim states no region.

    Args:
        at_a_glance: without its numbers, and without words, for a line that says them already.
    """
    if claim.holds is None or claim.rival is None:
        return ""
    place = _axis([*claim.holds.bounds, claim.rival, estimate.value, estimate.low, estimate.high])
    parts = [_band(claim, place), _rival(claim.rival, place), _bar(estimate, place)]
    if at_a_glance:
        around = f"0 {BAND_TOP - 2} {WIDTH} {BAND_HEIGHT + 4}"
        return tag("svg", *parts, xmlns=SVG, class_="repro-glance", viewBox=around, aria_hidden="true")
    parts.append(_labels(claim, estimate, place))
    return tag(
        "svg",
        *parts,
        xmlns=SVG,
        class_="repro-strip",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=_spoken(claim, estimate),
    )


def _spoken(claim: Claim, estimate: Estimate) -> str:
    value, low, high = interval(estimate)
    measured = f"estimate {value}" if estimate.is_exact else f"estimate {value}, interval {low} to {high}"
    return f"Number line: region {region(claim.holds)}; {measured}; rival {number(claim.rival or 0.0)}."


def _axis(values: list[float]) -> Callable[[float], float]:
    """A map from a value to its x; logarithmic where positive values span more than two decades."""
    finite = [value for value in values if math.isfinite(value)]
    logarithmic = min(finite) > 0 and max(finite) / min(finite) > 100
    scaled = [math.log10(value) if logarithmic else value for value in finite]
    low, high = min(scaled), max(scaled)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room

    def place(value: float) -> float:
        if math.isinf(value):
            return float(WIDTH - MARGIN if value > 0 else MARGIN)
        inner = math.log10(value) if logarithmic else value
        return round(MARGIN + (inner - low) / (high - low) * (WIDTH - 2 * MARGIN), 1)

    return place


def _band(claim: Claim, place: Callable[[float], float]) -> str:
    assert claim.holds is not None
    left, right = (place(edge) for edge in claim.holds.bounds)
    base = tag(
        "line",
        x1=MARGIN,
        x2=WIDTH - MARGIN,
        y1=BAND_TOP + BAND_HEIGHT,
        y2=BAND_TOP + BAND_HEIGHT,
        class_="repro-strip-base",
    )
    band = tag(
        "rect",
        x=str(left),
        y=BAND_TOP,
        width=str(round(max(right - left, 2.0), 1)),
        height=BAND_HEIGHT,
        class_="repro-strip-region",
    )
    edges = [
        tag("line", x1=str(x), x2=str(x), y1=BAND_TOP, y2=BAND_TOP + BAND_HEIGHT, class_="repro-strip-edge")
        for x, edge in zip((left, right), claim.holds.bounds, strict=True)
        if math.isfinite(edge)
    ]
    return "".join([base, band, *edges])


def _rival(rival: float, place: Callable[[float], float]) -> str:
    x, y = place(rival), BAND_TOP + BAND_HEIGHT / 2
    return tag(
        "path", d=f"M{x - 5} {y - 5}L{x + 5} {y + 5}M{x - 5} {y + 5}L{x + 5} {y - 5}", class_="repro-strip-rival"
    )


def _bar(estimate: Estimate, place: Callable[[float], float]) -> str:
    y = BAND_TOP + BAND_HEIGHT / 2
    bar = tag(
        "line",
        x1=str(place(estimate.low)),
        x2=str(place(estimate.high)),
        y1=str(y),
        y2=str(y),
        class_="repro-strip-interval",
    )
    return bar + tag("circle", cx=str(place(estimate.value)), cy=str(y), r="5.5", class_="repro-strip-value")


def _labels(claim: Claim, estimate: Estimate, place: Callable[[float], float]) -> str:
    """Numbers under the line; one that would touch another is left out, the estimate never."""
    assert claim.holds is not None and claim.rival is not None
    wanted = [(estimate.value, interval(estimate)[0], "repro-strip-found"), (claim.rival, number(claim.rival), "")]
    wanted += [(edge, number(edge), "") for edge in claim.holds.bounds if math.isfinite(edge)]
    spans: list[tuple[float, float]] = []
    labels = ""
    for value, label, kind in wanted:
        half = len(label) * CHARACTER / 2
        x = min(max(place(value), half), WIDTH - half)
        if all(x + half < left or right < x - half for left, right in spans):
            spans.append((x - half, x + half))
            labels += tag("text", label, x=str(round(x, 1)), y=LABELS, text_anchor="middle", class_=kind or None)
    return labels
