"""Sphinx extension: nothing on a page asks the network; MathJax comes from a package and thebe goes away."""

from __future__ import annotations

import shutil
from html import escape
from importlib.metadata import files
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

MATHJAX = "mathjax-tex-svg.js"  # one file with the output as SVG, so that no font is fetched
# Jupyter Book gives every page all scripts and styles; these serve pages that hold the class beside them.
ON_THEIR_PAGES = {
    "ledger.js": "repro-ledger",
    "map.js": "repro-marks",
    "sizing.js": "repro-calculator",
    "calculators.js": "repro-calculator",
    "calculator-answers.js": "repro-calculator",
    "calculator-files.js": "repro-calculator",
    "calculator-form.js": "repro-calculator",
    "tokens.js": "data-tokeniser",
    "token-form.js": "data-tokeniser",
    "calculators.css": "repro-calculator",
}
# Without scripts nothing folds: some browsers open no fold for a link into it.
OPEN = ".bd-article details::details-content { content-visibility: visible; block-size: auto; }"
UNFOLDED = f"<noscript><style>{OPEN}</style></noscript>"
FEED = '<link rel="alternate" type="application/rss+xml" title="Verdicts that changed" href="{}"/>'


def point_to_own_mathjax(app: Sphinx, config: Config) -> None:
    config.mathjax_path = MATHJAX


def copy_mathjax(app: Sphinx) -> None:
    """Take the one file that is needed out of the package's six megabytes."""
    if app.builder.format != "html" or app.builder.name == "epub":
        return
    packed = next(file for file in files("sphinx-mathjax-offline") or [] if file.name == "tex-svg.js")
    target = Path(app.outdir) / "_static" / MATHJAX
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(str(packed.locate()), target)


def tidy_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Without thebe, whose address is declared twice on every page; with the feed; other scripts where they serve."""
    html = doctree.astext() if doctree is not None else ""
    absent = ["thebe", *(name for name, element in ON_THEIR_PAGES.items() if element not in html)]
    absent += [] if page == "search" else ["find-claims.js"]
    for kind in ("script_files", "css_files"):
        context[kind] = [one for one in context[kind] if not any(name in _spelled(one).lower() for name in absent)]
    if app.builder.name != "epub":
        feed = context["pathto"]("feed.xml", resource=True)
        context["metatags"] = context.get("metatags", "") + FEED.format(feed) + UNFOLDED
    context["pagetitle"] = escape(context.get("pagetitle", ""), quote=False)  # the theme prints it as if it were HTML


def _spelled(script: Any) -> str:
    return f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', {})}"


def drop_thebe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Without the settings of a live kernel that this book does not offer."""
    for raw in list(doctree.findall(nodes.raw)):
        if "text/x-thebe-config" in raw.astext() or "kernelName =" in raw.astext():
            raw.parent.remove(raw)


def drop_source_maps(app: Sphinx, error: Exception | None) -> None:
    """A third of the theme's files, which no reader needs."""
    if error is None:
        for path in Path(app.outdir).rglob("*.map"):
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", point_to_own_mathjax, priority=900)
    app.connect("builder-inited", copy_mathjax)
    app.connect("html-page-context", tidy_page, priority=900)
    app.connect("doctree-resolved", drop_thebe, priority=900)
    app.connect("build-finished", drop_source_maps)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
