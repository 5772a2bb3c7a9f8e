"""Sphinx extension for the ePub alone: formulas as MathML, which readers set themselves, and links to its own pages."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def mathml(formula: str, *, as_block: bool) -> str:
    """TeX as MathML; TeX itself where docutils does not know a command, as a reader of the ePub can still read it."""
    try:
        return str(tex2mathml(formula, as_block=as_block))
    except MathError as error:
        logger.info(f"ePub: {formula!r} is shown as TeX ({error})")
        return f"<code>{nodes.unescape(formula).replace('&', '&amp;').replace('<', '&lt;')}</code>"


def set_inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def set_block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def link_inside(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Links of our own HTML lead to pages of the ePub, whose files end otherwise."""
    if app.builder.name == "epub":
        for raw in doctree.findall(nodes.raw):
            linked = re.sub(r'(href="(?!\w+:)[\w./-]+)\.html(?:\?[^"#]*)?', r"\1.xhtml", raw.astext())
            raw.children = [nodes.Text(linked)]


def give_it_our_style(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The style sheet speaks of articles, which the theme makes in HTML and nobody makes in an ePub."""
    if app.builder.name == "epub" and "body" in context:
        context["body"] = f'<div class="bd-article repro-epub">{context["body"]}</div>'


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("epub_math_renderer", "mathml", "epub")
    app.add_html_math_renderer("mathml", inline_renderers=(set_inline, None), block_renderers=(set_block, None))
    app.connect("doctree-resolved", link_inside, priority=950)
    app.connect("html-page-context", give_it_our_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
