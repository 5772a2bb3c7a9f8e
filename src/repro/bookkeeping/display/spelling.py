"""How the book spells numbers, intervals, regions and outcomes."""

from __future__ import annotations

import math
from types import MappingProxyType

from repro.bookkeeping.display.elements import tag, text
from repro.bookkeeping.ledger import Outcome, Region
from repro.floor.estimate import Estimate

# In the order in which outcomes are always shown: settled ones first.
SYMBOLS = MappingProxyType(
    {
        Outcome.SUPPORTED: "✓",
        Outcome.REFUTED: "✗",
        Outcome.MIXED: "◐",
        Outcome.ATTESTED: "❝",
        Outcome.CONTRADICTED: "≠",
        Outcome.UNDISCLOSED: "?",
        Outcome.NOT_TESTABLE: "–",
        Outcome.OPEN: "○",
        Outcome.UNTESTED: "·",
    }
)
MEANINGS = MappingProxyType(
    {
        Outcome.SUPPORTED: "The whole interval lies inside the region stated beforehand.",
        Outcome.REFUTED: "The whole interval lies outside the region.",
        Outcome.OPEN: "The interval reaches across an edge of the region, or does by another choice, as good.",
        Outcome.MIXED: "The claim has parts, and they differ.",
        Outcome.ATTESTED: "A fact about a published model or data set; its source says so.",
        Outcome.CONTRADICTED: "A fact about a published model or data set; its source says otherwise.",
        Outcome.UNDISCLOSED: "The source does not say.",
        Outcome.NOT_TESTABLE: "An opinion, or a word without a threshold; the reason is given.",
        Outcome.UNTESTED: "No check has been run yet, or only below the scale that the claim needs.",
    }
)
CONTROL = "True by construction: a theorem, a definition or a known result, shown so that the rest can be trusted."
ALARM = "A refuted control is an alarm: it is true by construction, so the measurement or the code is at fault."
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NARROW_SPACE = "\u202f"


def number(value: float, *, step: float | None = None) -> str:
    """A number for a reader: four significant digits, or as many decimals as a difference of `step` needs."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        mantissa, exponent = f"{value:.{_mantissa_digits(value, step)}e}".split("e")
        return f"{_signed(mantissa if step else _trimmed(mantissa))} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    digits = f"{value:.{_decimals(value, step)}f}"
    return _signed(_grouped(digits if step else _trimmed(digits)))


def _decimals(value: float, step: float | None) -> int:
    size = math.floor(math.log10(abs(value))) if value else 0
    return max(0, min(6, 1 - math.floor(math.log10(step)) if step else 3 - size))


def _mantissa_digits(value: float, step: float | None) -> int:
    size = math.floor(math.log10(abs(value)))
    return max(0, min(5, size + 1 - math.floor(math.log10(step)))) if step else 3


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _grouped(digits: str) -> str:
    whole, point, rest = digits.partition(".")
    if len(whole.lstrip("-")) > 4:
        whole = f"{int(whole):,}".replace(",", NARROW_SPACE)
    return whole + point + rest


def _signed(digits: str) -> str:
    return digits.replace("-", "−") if digits.strip("-0.") else "0"


def interval(found: Estimate) -> tuple[str, str, str]:
    """Value, lower and upper end, with the digits that the width of the interval can carry."""
    width = found.high - found.low
    step = width if 0 < width < math.inf else None
    return number(found.value, step=step), number(found.low, step=step), number(found.high, step=step)


def estimate(found: Estimate) -> str:
    """Value, unit and interval as HTML."""
    value, low, high = interval(found)
    unit = f" {text(found.unit)}" if found.unit else ""
    shown = tag("strong", value) + unit
    if found.is_exact:
        return shown + tag("span", " exact", class_="repro-interval")
    return shown + tag("span", f" {low} to {high}", class_="repro-interval")


def region(holds: Region | None, unit: str = "") -> str:
    """The values that agree with a claim, in words; empty where none are stated."""
    if holds is None:
        return ""
    low, high = holds.bounds
    tail = f" {unit}" if unit else ""
    if math.isinf(low):
        return f"at most {number(high)}{tail}"
    if math.isinf(high):
        return f"at least {number(low)}{tail}"
    return f"exactly {number(low)}{tail}" if low == high else f"{number(low)} to {number(high)}{tail}"


def outcome_class(outcome: Outcome) -> str:
    """CSS class of an outcome."""
    return f"repro-{outcome.replace(' ', '-')}"


def chip(outcome: Outcome, *, more: str = "", href: str | None = None) -> str:
    """The mark of an outcome: symbol and word, so that it survives black and white, and what stands behind it."""
    symbol = tag("span", SYMBOLS[outcome], class_="repro-symbol", aria_hidden="true")
    words = tag("span", str(outcome), tag("span", f": {more}", class_="repro-state") if more else "")
    return tag("a" if href else "span", symbol, words, class_=f"repro-chip {outcome_class(outcome)}", href=href)
