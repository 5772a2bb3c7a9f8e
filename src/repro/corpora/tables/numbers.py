"""Numbers as people write them: 70B, 1.4T, 350M, 1e9, 1_000_000, 1,000,000, and 2,31 where a comma is the point."""

from __future__ import annotations

import math
import re

_SUFFIX = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_DIGITS = r"[+-]?(?:\d+(?:[_,]\d{3})*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f'’](?=\d{3})|(?<=\d) (?=\d{3}(?!\d))")
_POINTED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+\D*")  # 1.250.000, where a comma is the point
_NUMBER = re.compile(rf"({_DIGITS})\s*([kKmMbBgGtTpPEZY]?)")


def parse_size(text: str) -> float:
    """A number with an optional suffix: K, M, B or G, T, P, E, Z, Y in steps of a thousand.

    Raises:
        ValueError: the text is no such number.
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no number such as 350M, 1.4T, 1e9 or 1_000_000")
    return float(match[1].replace("_", "").replace(",", "")) * _SUFFIX[match[2].lower()]


def spell_size(number: float) -> str:
    """A count in three digits with its suffix: 7.25e10 is 72.5B; beyond 1e15, in powers of ten."""
    number = float(f"{number:.3g}")  # 999.9 million is a billion
    for suffix in ("t", "b", "m", "k"):
        if _SUFFIX[suffix] <= number < 1e15:
            return f"{number / _SUFFIX[suffix]:.3g}{suffix.upper()}"
    return f"{number:.3g}"


def decimal_comma(texts: list[str]) -> bool:
    """Whether a file writes 2,31 for 2.31, which a column of small numbers tells: none of them is a thousand."""
    return any("," in text for text in texts) and not any("." in text for text in texts)


def read_number(text: str, *, comma: bool, plain: bool = False, unit: float = 1.0) -> float:
    """The number in a cell, or NaN; a cell with a suffix of its own (7B) needs no unit of its column.

    Args:
        comma: a comma is the decimal point. plain: no suffix is a number's.
    """
    text = _GROUPED.sub("", text.strip())
    if comma and ("," in text or _POINTED.fullmatch(text)):
        text = text.replace(".", "").replace(",", ".")
    try:
        return float(text if "_" not in text else "") * unit
    except ValueError:
        pass
    try:
        number = math.nan if plain else parse_size(text)
    except ValueError:
        return math.nan
    return number * unit if text[-1:].isdigit() else number
