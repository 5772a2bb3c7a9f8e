"""Sphinx extension: what folds code is called by what it does, where the notebook extension calls all by one name."""

from __future__ import annotations

from html import escape
from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx


def open_fold(writer: Any, node: HideCodeCellNode) -> None:
    classes = " ".join(node["classes"])
    prompts = "".join(
        f'<p class="{shown} admonition-title">{escape(node[prompt])}</p>'
        for shown, prompt in (("collapsed", "prompt_show"), ("expanded", "prompt_hide"))
    )
    writer.body.append(f'<details class="admonition hide {classes}"><summary>{prompts}</summary>\n')


def close_fold(writer: Any, node: HideCodeCellNode) -> None:
    writer.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect(
        "builder-inited", lambda app: app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
