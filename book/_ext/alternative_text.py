"""Sphinx extension: a picture without alternative text is a warning, and the book is built with warnings as errors."""

from __future__ import annotations

from html.parser import HTMLParser

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


class Pictures(HTMLParser):
    """Collects the pictures of a piece of HTML that say nothing to one who cannot see them."""

    def __init__(self) -> None:
        super().__init__()
        self.mute: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: (value or "").strip() for name, value in attrs}
        if given.get("aria-hidden") == "true" or given.get("role") == "presentation":
            return
        if tag == "img" and not given.get("alt"):
            self.mute.append(f"<img src={given.get('src', '')[:60]!r}> has no alt")
        if tag == "svg" and not (given.get("role") == "img" and given.get("aria-label")):
            self.mute.append("<svg> has no role=img with an aria-label")

    handle_startendtag = handle_starttag


def mute_pictures(html: str) -> list[str]:
    """The complaints about one piece of HTML."""
    parser = Pictures()
    parser.feed(html)
    return parser.mute


def check(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn of each picture of a page that has no alternative text, whoever put it there."""
    for image in doctree.findall(nodes.image):
        if not (image.get("alt") or "").strip():
            _warn(f"image {image.get('uri', '')!r} has no alternative text", docname)
    for raw in doctree.findall(nodes.raw):
        if "html" in raw.get("format", "").split():
            for complaint in mute_pictures(raw.astext()):
                _warn(complaint, docname)


def _warn(complaint: str, docname: str) -> None:
    logger.warning(
        f"{complaint}; say in words what a reader would see in it", location=docname, type="alternative_text"
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
