"""How the book spells numbers, intervals, regions, outcomes and chapter names."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Protocol

from repro.bookkeeping.pages.elements import tag, text

SYMBOLS = MappingProxyType(
    {
        "supported": "✓",
        "refuted": "✗",
        "open": "○",
        "untested": "·",
        "mixed": "◐",
        "attested": "❝",
        "contradicted": "≠",
        "undisclosed": "?",
        "not testable": "–",
    }
)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NARROW_SPACE = "\u202f"


class Bounds(Protocol):
    """A region: either bound may be absent."""

    @property
    def low(self) -> float | None:
        """Smallest value that agrees with the claim."""

    @property
    def high(self) -> float | None:
        """Largest value that agrees with the claim."""


class Interval(Protocol):
    """An estimate: a value, its interval and what they count."""

    @property
    def value(self) -> float:
        """The estimate itself."""

    @property
    def low(self) -> float:
        """Lower end of the interval."""

    @property
    def high(self) -> float:
        """Upper end of the interval."""

    @property
    def level(self) -> float:
        """Nominal coverage, 0.99 in this book."""

    @property
    def n(self) -> int:
        """Number of independent items or seeds."""

    @property
    def unit(self) -> str:
        """Unit of all three numbers."""

    @property
    def method(self) -> str:
        """How the interval was made."""


def number(value: float, *, step: float | None = None) -> str:
    """A number for a reader: at most four significant digits, or as many as a `step` of that size can show."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{_signed(_trimmed(mantissa))} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return _signed(_grouped(_trimmed(f"{value:.{_decimals(value, step)}f}")))


def _decimals(value: float, step: float | None) -> int:
    size = math.floor(math.log10(abs(value))) if value else 0
    wanted = 3 - size if not step else 1 - math.floor(math.log10(abs(step)))
    return max(0, min(6, wanted))


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _grouped(digits: str) -> str:
    whole, point, rest = digits.partition(".")
    return (f"{int(whole):,}".replace(",", NARROW_SPACE) if len(whole.lstrip("-")) > 4 else whole) + point + rest


def _signed(digits: str) -> str:
    return digits.replace("-", "−") if digits.strip("-0.") else "0"


def estimate(found: Interval) -> str:
    """Value and interval as HTML, with the digits that the width of the interval can carry."""
    step = (found.high - found.low) or None
    unit = f" {text(found.unit)}" if found.unit else ""
    value = tag("strong", number(found.value, step=step)) + unit
    if step is None:
        return value + tag("span", " exact", class_="repro-quiet")
    ends = f"{number(found.low, step=step)} to {number(found.high, step=step)}"
    return value + tag("span", f" {ends}", class_="repro-interval", title=f"{found.level:.0%} interval")


def region(holds: Bounds | None, unit: str = "") -> str:
    """The values that agree with a claim, in words."""
    if holds is None or (holds.low is None and holds.high is None):
        return ""
    tail = f" {unit}" if unit else ""
    if holds.low is None:
        return f"at most {number(float(holds.high or 0.0))}{tail}"
    if holds.high is None:
        return f"at least {number(holds.low)}{tail}"
    if holds.low == holds.high:
        return f"exactly {number(holds.low)}{tail}"
    return f"{number(holds.low)} to {number(holds.high)}{tail}"


def outcome_class(outcome: str) -> str:
    """CSS class of an outcome."""
    return f"repro-{outcome.replace(' ', '-')}"


def chip(outcome: str, *, href: str | None = None) -> str:
    """The mark of an outcome: symbol and word, so that it survives black and white."""
    symbol = tag("span", SYMBOLS[outcome], class_="repro-symbol", aria_hidden="true")
    classes = f"repro-chip {outcome_class(outcome)}"
    if href:
        return tag("a", symbol, outcome, class_=classes, href=href)
    return tag("span", symbol, outcome, class_=classes)
