"""Sphinx extension: every fold has a name that says what it holds: code on a page, the pages of a part in the menu."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx


def open_fold(writer: Any, node: HideCodeCellNode) -> None:
    """The notebook extension calls all folds by one name, whatever their prompt says."""
    classes = " ".join(node["classes"])
    prompts = "".join(
        f'<p class="{shown} admonition-title">{escape(node[prompt])}</p>'
        for shown, prompt in (("collapsed", "prompt_show"), ("expanded", "prompt_hide"))
    )
    writer.body.append(f'<details class="admonition hide {classes}"><summary>{prompts}</summary>\n')


def close_fold(writer: Any, node: HideCodeCellNode) -> None:
    writer.body.append("</details>\n")


def name_menu_folds(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """The theme gives its arrows none, so a screen reader would say "button" eight times."""
    if make := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = _with_names(make)


def _with_names(make: Callable[..., Any]) -> Callable[..., Any]:
    def named(*args: Any, **kwargs: Any) -> Any:
        menu = make(*args, **kwargs)
        soup = menu if isinstance(menu, BeautifulSoup) else BeautifulSoup(str(menu), "html.parser")
        for summary in soup.select("li.has-children > details > summary"):
            link = summary.find_parent("li").find("a")
            summary["aria-label"] = f"Pages of {link.get_text(strip=True)}" if link else "Pages"
        return soup if isinstance(menu, BeautifulSoup) else str(soup)

    return named


def setup(app: Sphinx) -> dict[str, bool]:
    # The notebook extension registers its node in a later phase than this one is set up in.
    app.connect("builder-inited", _take_over)
    app.connect("html-page-context", name_menu_folds, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _take_over(app: Sphinx) -> None:
    app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))
