"""What a derived page is a function of, and whether all of it is still as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

from repro.bookkeeping.notebooks import Notebook
from repro.floor.scale import scales_path


@dataclass(frozen=True)
class Inputs:
    """The inputs of a page besides its notebook and the files of its chapter.

    Fields: `scale`; `library`, the files that its kernel had loaded modules from by its end, or showed, relative to the
    checkout; `records`, those it read, as <measurement>/<key>.json; `elsewhere`, what it says of other scales.
    """

    scale: str
    library: list[str]
    records: list[str]
    elsewhere: str = ""

    def digest(self, notebook: Notebook, root: Path, results: Path) -> str:
        """sha256 over the names and contents of all inputs as they are now."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode())
        for path in [*self.files(notebook, root), *(results / "records" / name for name in self.records)]:
            contents = path.read_bytes() if path.is_file() else b"there is no such file"
            digest.update(f"{path.name}\0{len(contents)}\0".encode() + contents)
        return digest.hexdigest()

    def files(self, notebook: Notebook, root: Path) -> Iterator[Path]:
        """The files of the checkout among them, with the data that lie beside the library's modules."""
        yield from (notebook.path, notebook.path.parent / "claims.toml", scales_path(notebook.path))
        library = [root / name for name in self.library]
        yield from library
        for folder in sorted({path.parent for path in library}):
            yield from _data_in(folder)


def _data_in(folder: Path) -> Iterator[Path]:
    """Files of a package that are no modules, and those of folders in it that are no packages."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file() and path.suffix != ".py":
            yield path
        elif path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            yield from _data_in(path)


def up_to_date(page: Path, scale: str, notebook: Notebook, root: Path, results: Path, *, elsewhere: str = "") -> bool:
    """Whether a page was derived at this scale from inputs that are all as they were."""
    try:
        noted = json.loads(page.read_text(encoding="utf-8"))["metadata"]["repro"]
        inputs, digest = Inputs(**noted["inputs"]), noted["digest"]
    except (OSError, ValueError, TypeError, LookupError, RecursionError):  # none, half of one, or one of another making
        return False
    if (inputs.scale, inputs.elsewhere) != (scale, elsewhere):
        return False
    return bool(inputs.digest(notebook, root, results) == digest)


def stamps(root: Path) -> dict[Path, tuple[int, int]]:
    """When each file that a page may be a function of was written, and its size; no clock is asked."""
    written = {}
    for folder in ("src", "experiments"):
        for path in sorted((root / folder).rglob("*")):
            if "__pycache__" not in path.parts and path.is_file():
                seen = path.stat()
                written[path] = seen.st_mtime_ns, seen.st_size
    return written


def noted_scale(page: Path) -> str | None:
    """The scale that a page was derived at, if it lies there."""
    try:
        return str(json.loads(page.read_text(encoding="utf-8"))["metadata"]["repro"]["inputs"]["scale"])
    except (OSError, ValueError, TypeError, LookupError, RecursionError):  # none, half of one, or one of another making
        return None


def take_inputs(executed: nbformat.NotebookNode, scale: str, *, elsewhere: str = "") -> Inputs:
    """The inputs that a study noted when it closed; they are taken out of its page."""
    for cell in executed.cells:
        for shown in cell.get("outputs", []):
            if "inputs" in (facts := shown.get("metadata", {}).get("repro", {})):
                return Inputs(scale, **facts.pop("inputs"), elsewhere=elsewhere)
    raise AssertionError("execute() gives no notebook whose study has not closed")
