"""The source that a page shows, cut out of its file."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from repro.floor.measurement import Measurement


@dataclass(frozen=True)
class Source:
    """The source of one function or class: its dotted name, the file that it stands in, and its text."""

    name: str
    path: Path
    text: str


def source_of(shown: str | Measurement | Callable[..., Any]) -> list[Source]:
    """What a page shows of a function: its source, and for a measurement also that of the function that does its work.

    A dotted name is cut out of its file without importing it, so that a page without torch can show code that needs it.

    Raises:
        LookupError: no module of this name, or nothing of this name in it.
    """
    if isinstance(shown, str):
        return [_cut(shown)]
    if isinstance(shown, Measurement):
        door = _loaded(shown.function)
        return [door, *(_cut(name) for name in _work_behind(door.text))]
    return [_loaded(shown)]


def _loaded(function: Callable[..., Any]) -> Source:
    path = Path(inspect.getsourcefile(function) or "")
    return Source(f"{function.__module__}.{function.__qualname__}", path, inspect.getsource(function))


def _cut(dotted: str) -> Source:
    module, _, name = dotted.rpartition(".")
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module!r} to show {name!r} of; expected package.module.function")
    path = Path(spec.origin)
    text = path.read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return Source(dotted, path, "\n".join(text.splitlines()[first - 1 : node.end_lineno]) + "\n")
    raise LookupError(f"{path.name} defines no function or class {name!r}; show a name that stands at its top level")


def _work_behind(door: str) -> Iterator[str]:
    """Dotted names of the functions that a measurement imports in its body and whose result it returns."""
    tree = ast.parse(door)
    imported = {
        name.asname or name.name: f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    for node in ast.walk(tree):
        match node:
            case ast.Return(value=ast.Call(func=ast.Name(id=name))) if name in imported:
                yield imported[name]
