"""HTML elements as strings: every fragment of the book is built from these functions."""

from __future__ import annotations

import json
import re
from html import escape
from types import MappingProxyType

VOID = frozenset({"br", "img", "hr", "input", "link", "meta"})
SPELLINGS = MappingProxyType({"class_": "class", "for_": "for"})


def tag(name: str, /, *children: str, **attributes: str | int | bool | None) -> str:
    """One HTML element.

    Args:
        name: the element's name.
        children: HTML, already escaped.
        attributes: `class_` is `class`, `data_outcome` is `data-outcome`; None and False leave the attribute out,
            True writes it with an empty value, so that a page is well-formed XML too, as an ePub needs.
    """
    spelled = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    return f"<{name}{spelled}/>" if name in VOID else f"<{name}{spelled}>{''.join(children)}</{name}>"


def _attribute(key: str, value: str | int | bool | None) -> str:
    name = SPELLINGS.get(key, key.replace("_", "-"))
    return f' {name}="{"" if value is True else escape(str(value), quote=True)}"'


def text(words: str) -> str:
    """Plain words as HTML on one line: `code` in backticks set as code, N_opt and C^0.5 with low and raised letters."""
    one_line = " ".join(words.split())
    together = re.sub(r"(\d) %", "\\1\u202f%", one_line)  # a number is not parted from its sign at the end of a line
    parts = re.split(r"`([^`]+)`", escape(together, quote=False))
    return "".join(tag("code", part) if place % 2 else _formulas(part) for place, part in enumerate(parts))


def _formulas(html: str) -> str:
    """Index and exponent of a name of one letter; longer names (`x86_64`) stay as they are."""
    lowered = re.sub(r"\b([A-Za-z])_([A-Za-z0-9]+)\b", r"\1<sub>\2</sub>", html)
    raised = re.sub(r"\b([A-Za-z])\^(-?)(\d+(?:\.\d+)?)\b", r"\1<sup>\2\3</sup>", lowered)
    return raised.replace("<sup>-", "<sup>\u2212")


def embedded(value: object, name: str) -> str:
    """A value as JSON inside a page, for the page's scripts: one read from disk may read no other file."""
    return tag(
        "script", json.dumps(value, separators=(",", ":")).replace("</", "<\\/"), type="application/json", id=name
    )


def block(*lines: str) -> str:
    """Elements, one per line and without a blank line, which would end an HTML block in Markdown."""
    return "\n".join(line for line in "\n".join(lines).splitlines() if line.strip())


def markdown(words: str) -> str:
    """Plain words as Markdown on one line, with no sign left that Markdown or MyST would act on."""
    return re.sub(r"([\\`*_{}\[\]<>$#|~^@])", r"\\\1", " ".join(words.split()))
