"""The commands by name, and how one refuses.

Each stands in the module of its name, which is imported when it runs or its own help is asked for.
"""

from __future__ import annotations

import ast
import errno
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

NAMES = (
    *("run", "campaign", "status", "check", "claims", "compare", "book"),
    *("fit", "size", "records", "knobs", "data", "bench"),
)
ELSEWHERE = "; REPRO_RESULTS names another folder for records and verdicts, REPRO_CACHE one for what may be deleted"
ROOM = "; make room and run it again: what is on record is whole, and is not run again"
HELPS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR), ELSEWHERE),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), ROOM),
}


class Commands(TyperGroup):
    """All commands of `repro`: a stand-in with a line of help for each, until one is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {name: TyperCommand(name, help=summary(name)) for name in NAMES}})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name, command and remaining arguments of a call: here, and nowhere before, a command's module is imported."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load(stand_in.name) if stand_in and stand_in.name else None, rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what the machine refuses it (a library, a file, room on the disk) is told in a sentence."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno in (None, errno.EPIPE):  # our own words; a reader such as `head` that has left
                raise
            typer.secho(f"repro: {told(error)}", fg="red", err=True)
            raise typer.Exit(2) from error
        except ModuleNotFoundError as error:
            library = (error.name or "repro").partition(".")[0]
            if library == "repro":
                raise
            words = f"repro: this needs {library}, which is not installed here; `make setup` installs all libraries"
            typer.secho(words, fg="red", err=True)
            raise typer.Exit(2) from error


def told(error: Exception) -> str:
    """An error in words; one of the system with the file that it is about, and what helps."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{place}{error.strerror}{HELPS.get(error.errno, '')}"


@contextmanager
def refusing(*kinds: type[Exception]) -> Iterator[None]:
    """Turn the errors that a reader can mend into one message and exit code 2; any other keeps its traceback."""
    try:
        yield
    except kinds as error:
        typer.secho(f"repro: {told(error)}", fg="red", err=True)
        raise typer.Exit(2) from error


def summary(name: str) -> str:
    """The first line of a command's docstring, read from its file without importing what the command works with."""
    path = Path(__file__).with_name(name)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    function = next(part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name == name)
    return (ast.get_docstring(function) or "").partition("\n")[0]


def load(name: str) -> Any:
    """The command itself: its module's `app` where it has commands of its own, else the function of its name."""
    module = importlib.import_module(f"repro.cli.{name}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        app.command(name)(getattr(module, name))
    command = get_command(app)
    command.name = name
    return command
