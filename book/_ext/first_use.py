"""Sphinx extension: a word of the glossary is a link to its entry where a page first uses it in running text."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

APART = {"glossary", "bibliography", "search", "genindex"}
# In none of these is a link wanted: headings, what is a link already, code, formulas, and HTML of our own.
CLOSED = (
    nodes.title,
    nodes.reference,
    addnodes.pending_xref,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.raw,
)


def link_first_uses(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Each entry once, under whichever of its names comes first."""
    entries = {name: place for (kind, name), place in app.env.get_domain("std").objects.items() if kind == "term"}
    if docname in APART or docname.startswith("claims/") or not entries:
        return
    wanted, used = _pattern(entries), set()
    lower = {name.lower(): place for name, place in entries.items()}
    for text in list(doctree.findall(nodes.Text)):
        if not _is_running(text):
            continue
        pieces: list[nodes.Node] = []
        end = 0
        for found in wanted.finditer(text):
            page, label = lower[found[1].lower()]
            if label in used:
                continue
            used.add(label)
            address = f"{app.builder.get_relative_uri(docname, page)}#{label}"
            link = nodes.reference("", found[0], internal=True, refuri=address, classes=["repro-term"])
            pieces += [nodes.Text(text[end : found.start()]), link]
            end = found.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


def _pattern(names: dict[str, tuple[str, str]]) -> re.Pattern[str]:
    """Any name, longest first, in the plural too; small letters may begin a sentence, capitals are as they are."""
    spelled = (
        re.escape(name) if name != name.lower() else f"(?i:{re.escape(name)})"
        for name in sorted(names, key=lambda name: -len(name))
    )
    return re.compile(rf"(?<![\w-])({'|'.join(spelled)})s?(?![\w-])")


def _is_running(text: nodes.Text) -> bool:
    """Whether a text stands in a paragraph, and in nothing that is closed to links."""
    above, in_paragraph = text.parent, False
    while above is not None:
        if isinstance(above, CLOSED):
            return False
        in_paragraph |= isinstance(above, nodes.paragraph)
        above = above.parent
    return in_paragraph


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", link_first_uses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
