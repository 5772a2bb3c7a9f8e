"""A book of one claim and one notebook, made in a folder of the test's own, and the measurement that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from repro.bookkeeping.chapters import Notebook
from repro.floor.measurement import measurement

CLAIMS = """
[sums-are-large]
says = "The sum is at least one."
said_by = []
primary = ""
kind = "arithmetic"
metric = "sum"
holds = { low = 1 }
rival = 0
needs = "smoke"
"""

SCALES = """
[knobs]
left = "summand"
right = "the other summand"
[smoke]
scope = "small sums"
left = 1
right = 2
[cpu]
scope = "larger sums"
left = 10
right = 20
"""

PARAMETERS = 'scale = "smoke"\ncompute = "missing"\nleft = None\nright = None'

CELLS = [
    'from repro import open_study\nfrom tiny_book import Addends, add\nstudy = open_study("tiny", globals())',
    "study.show(add)",
    "table = study.sweep(add, [Addends(study.knobs.left, study.knobs.right)])",
    'study.settle_exact("sums-are-large", table["sum"][0])',
    "study.close()",
]


@dataclass(frozen=True)
class Addends:
    left: float
    right: float = 0.0


@measurement(version=1)
def add(config: Addends, seed: int) -> dict[str, float]:
    """The sum of two numbers and the seed."""
    return {"sum": config.left + config.right + seed}


@measurement(version=1)
def add_with_torch(config: Addends, seed: int) -> dict[str, float]:
    """The same, by a library that computing needs and looking up does not."""
    import torch

    return {"sum": float(torch.tensor([config.left, config.right, seed]).sum())}


def make_book(
    root: Path, cells: list[str] | None = None, parameters: str = PARAMETERS, *, name: str = "tiny"
) -> Notebook:
    """Write the tiny book under `root` and give its notebook, or add one of another name to its chapter."""
    chapter = root / "experiments" / "tiny"
    chapter.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text("")
    (chapter / "claims.toml").write_text(CLAIMS)
    (chapter / "scales.toml").write_text(SCALES)
    book = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    book.cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), *map(new_code_cell, cells or CELLS)]
    for cell in book.cells:
        cell.source = cell.source.replace('open_study("tiny"', f'open_study("{name}"')
    nbformat.write(book, chapter / f"{name}.ipynb")
    return Notebook(chapter / f"{name}.ipynb")
