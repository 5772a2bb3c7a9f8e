"""The notebooks of the experiments folder."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from repro.floor.scale import Scale, Setting, load_scales, scales_path


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


def notebooks(experiments: Path) -> list[Notebook]:
    """Every notebook, by chapter and name.

    Raises:
        ValueError: two notebooks of one name.
    """
    found = [Notebook(path) for path in sorted(experiments.glob("*/*.ipynb"))]
    names = [notebook.name for notebook in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice}: two chapters have a notebook of this name; rename one")
    return found


def find_notebook(experiments: Path, name: str) -> list[Notebook]:
    """The notebook called `name`, or all of the chapter called `name`.

    Raises:
        LookupError: there is neither, with the nearest name.
    """
    every = notebooks(experiments)
    found = [n for n in every if n.name == name] or [n for n in every if n.chapter == name]
    if not found:
        known = sorted({n.name for n in every} | {n.chapter for n in every})
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise LookupError(f"no notebook or chapter {name!r}; {hint}")
    return found
