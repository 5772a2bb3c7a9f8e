"""Sphinx extension: at the end of a chapter its notebook to take away, and where the book is published, to launch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

CHAPTERS = "chapters/"
COLAB = "https://colab.research.google.com/github/{repository}/blob/HEAD/{notebook}"
BINDER = "https://mybinder.org/v2/gh/{repository}/HEAD?labpath={notebook}"
INSTALL = "!pip install git+https://github.com/{repository}"


def offer(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Under the run box. Colab has no copy of the package, so its link says what to run first."""
    if not page.startswith(CHAPTERS) or "body" not in context or app.builder.name == "epub":
        return
    name = page.removeprefix(CHAPTERS)
    notebook = next(Path(app.srcdir).parent.glob(f"experiments/*/{name}.ipynb"), None)
    if notebook is None:
        return
    links = [f'<a href="../notebooks/{name}.ipynb" download>The notebook (.ipynb)</a>']
    repository = os.environ.get("GITHUB_REPOSITORY", "")  # GitHub's workflows set it
    if repository and os.environ.get("REPRO_BOOK_URL"):
        place = {"repository": repository, "notebook": "/".join(notebook.parts[-3:])}
        links.append(f'<a href="{BINDER.format(**place)}">Open it in Binder</a>')
        first = f"<code>{INSTALL.format(**place)}</code>"
        links.append(f'<a href="{COLAB.format(**place)}">Open it in Colab</a> (run {first} first)')
    context["body"] += f'<p class="repro-take-away">{" · ".join(links)}</p>'


def copy_notebooks(app: Sphinx, error: Exception | None) -> None:
    """As they stand in experiments/, beside the pages."""
    if error is None and app.builder.format == "html" and app.builder.name != "epub":
        target = Path(app.outdir) / "notebooks"
        target.mkdir(exist_ok=True)
        for notebook in Path(app.srcdir).parent.glob("experiments/*/*.ipynb"):
            shutil.copyfile(notebook, target / notebook.name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", offer)
    app.connect("build-finished", copy_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
