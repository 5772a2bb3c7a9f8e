"""The notebooks of the experiments folder."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from repro.floor.faults import DAMAGE, printable
from repro.floor.scale import Scale, Setting, load_help, load_scales, scales_path

ONE_SCALE = f"{Scale.SMOKE} settles all of it"
TRIALS = "missing: run what is not on record; never: records alone"
NO_TRIALS = "no trials are needed, so nothing is ever missing"


@dataclass(frozen=True)
class Notebook:
    """A notebook of a chapter, known by its file's name, which no other chapter uses."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def chapter(self) -> str:
        return self.path.parent.name

    def settings(self) -> dict[Scale, Setting]:
        """The knobs that the notebook, or its chapter, declares at each scale."""
        return load_scales(scales_path(self.path))

    def parameters(self) -> str:
        """The source of its parameters cell: scale, compute and each knob, with what [knobs] of scales.toml tells."""
        *smaller, largest = self.settings()
        scales = f"{', '.join(smaller)} or {largest}" if smaller else ONE_SCALE
        # As text: a notebook that calls study.sweep, whatever for, runs trials.
        trials = TRIALS if "study.sweep(" in self.path.read_text(encoding="utf-8") else NO_TRIALS
        lines = [f'scale = "{Scale.SMOKE}"  # {scales}', f'compute = "missing"  # {trials}']
        knobs = load_help(scales_path(self.path))
        return "\n".join([*lines, *(f"{name} = None  # {words}" for name, words in knobs.items())])


def notebooks(experiments: Path) -> list[Notebook]:
    """Every notebook, by chapter and name.

    Raises:
        ValueError: two notebooks of one name.
    """
    every = [Notebook(path) for path in sorted(experiments.glob("*/*.ipynb"))]
    names = [notebook.name for notebook in every]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice}: two chapters have a notebook of this name; rename one")
    return every


def find_notebook(experiments: Path, name: str) -> list[Notebook]:
    """The notebook called `name`, or all of the chapter called `name`.

    Raises:
        LookupError: there is neither, with the nearest name.
    """
    every = notebooks(experiments)
    matches = [n for n in every if n.name == name] or [n for n in every if n.chapter == name]
    if not matches:
        known = sorted({n.name for n in every} | {n.chapter for n in every})
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise LookupError(f"no notebook or chapter {name!r}; {hint}")
    return matches


def write_parameters(notebook: Notebook) -> bool:
    """Write a notebook's parameters cell, in place; whether that changed it.

    Raises:
        ValueError: it is no notebook, or not one cell is tagged parameters.
    """
    import nbformat  # its schemas take a tenth of a second to load, and most commands only look for notebooks

    try:
        book = nbformat.read(notebook.path, as_version=4)
    except (nbformat.ValidationError, *DAMAGE) as error:
        raise ValueError(f"{notebook.path} is no notebook: {printable(str(error).partition(chr(10))[0])}") from error
    tagged = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{notebook.path}: {len(tagged)} cells are tagged parameters; expected 1")
    if tagged[0].source == notebook.parameters():
        return False
    tagged[0].source = notebook.parameters()
    nbformat.write(book, notebook.path)
    return True
