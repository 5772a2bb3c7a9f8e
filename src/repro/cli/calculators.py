"""What the calculators of the book read: the catalogue of published models, as JSON inside their page."""

from __future__ import annotations

import json

from repro.bookkeeping.display.elements import tag
from repro.sizing.catalogue import catalogue

NAME = "_generated/catalogue.md"


def catalogue_fragment() -> str:
    """One element that a browser shows nothing of; inside the page, since a page from disk may read no other file."""
    numbers = json.dumps(catalogue(), separators=(",", ":"))
    return tag("script", numbers.replace("</", "<\\/"), type="application/json", id="repro-catalogue")
