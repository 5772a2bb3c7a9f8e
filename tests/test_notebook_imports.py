"""A page is derived where no torch is installed, so nothing that its notebook imports or calls may need it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import nbformat
import pytest

SOURCE = Path(__file__).parents[1] / "src"
NOTEBOOKS = sorted((Path(__file__).parents[1] / "experiments").rglob("*.ipynb"))
TRAINING = {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors"}
TRAINING |= {"sentencepiece", "tiktoken"}


def needing_torch(notebook: Path, source: Path) -> list[str]:
    """Each name that a notebook imports and that needs a training package: at its module's top, or when it is called.

    A measurement is left out: it runs only where its record is missing.
    """
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    needing = []
    for module, name in _imports(ast.parse("\n".join(cells))):
        chain = _first_chain([(module, name)], source)
        for function in () if chain else _called(_file(module, source), name):
            if inner := _first_chain(_imports(function), source):
                chain = (f"{module}.{function.name}", *inner)
        if chain:
            needing.append(f"{notebook.stem}: {name} of {' -> '.join(chain)}")
    return needing


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((name.name, "") for name in node.names)


def _file(module: str, source: Path) -> Path | None:
    place = source.joinpath(*module.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


@cache
def _chain(module: str, source: Path, above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The modules by which importing `module` reaches a training package, the package last; empty if it does not."""
    if module.split(".")[0] in TRAINING:
        return (module,)
    file = _file(module, source)
    if file is None or module in above:
        return ()
    body = ast.parse(file.read_text(encoding="utf-8")).body  # the top alone: no function, no TYPE_CHECKING
    top = [found for node in body if isinstance(node, ast.Import | ast.ImportFrom) for found in _imports(node)]
    chain = _first_chain(top, source, (*above, module))
    return (module, *chain) if chain else ()


def _first_chain(imports: Iterable[tuple[str, str]], source: Path, above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """That of the first of these imports that needs a training package; the name may be a module too."""
    reached = (dotted for module, name in imports for dotted in (module, f"{module}.{name}"))
    return next(filter(None, (_chain(dotted, source, above) for dotted in reached)), ())


def _called(file: Path | None, name: str) -> list[ast.FunctionDef]:
    """The function of this name in a file and those of the file that it calls; nothing for a measurement or a class."""
    if file is None:
        return []
    body = ast.parse(file.read_text(encoding="utf-8")).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef) and not _measures(node)}
    called, waiting = [], [name]
    while waiting:
        function = functions.pop(waiting.pop(), None)
        if function is not None:
            called.append(function)
            waiting += [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    return called


def _measures(function: ast.FunctionDef) -> bool:
    calls = (node.func for node in function.decorator_list if isinstance(node, ast.Call))
    return any(isinstance(call, ast.Name) and call.id == "measurement" for call in calls)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_needs_no_torch(notebook: Path):
    assert [] == needing_torch(notebook, SOURCE)


@pytest.mark.parametrize(
    ("files", "line", "fault"),
    [
        ({"work.py": "import torch"}, "from house.work import f", "f of house.work -> torch"),
        (
            {"door.py": "from house.work import g\ndef f(): ...", "work.py": "import torch"},
            "from house.door import f",
            "f of house.door -> house.work -> torch",
        ),
        ({"door.py": "def f():\n    import torch"}, "from house.door import f", "f of house.door.f -> torch"),
        (
            {"door.py": "def f():\n    return g()\ndef g():\n    from house import work", "work.py": "import torch"},
            "from house.door import f",
            "f of house.door.g -> house.work -> torch",
        ),
        ({"work.py": "import torch"}, "from house import work", "work of house.work -> torch"),
        ({"door.py": "@measurement(version=1)\ndef f():\n    import torch"}, "from house.door import f", ""),
        ({"door.py": "if TYPE_CHECKING:\n    import torch\ndef f(): ..."}, "from house.door import f", ""),
    ],
)
def test_a_planted_need_is_found(tmp_path: Path, files: dict[str, str], line: str, fault: str):
    """Both faults of old are among them: a module that needs torch at its top, and a function that imports one."""
    (tmp_path / "house").mkdir()
    for name, text in files.items():
        (tmp_path / "house" / name).write_text(text, encoding="utf-8")
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line)])
    nbformat.write(page, tmp_path / "planted.ipynb")

    assert ([f"planted: {fault}"] if fault else []) == needing_torch(tmp_path / "planted.ipynb", tmp_path)
