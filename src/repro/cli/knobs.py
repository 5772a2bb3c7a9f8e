"""`repro knobs`: a notebook's parameters cell, written from scales.toml."""

from __future__ import annotations

from typing import Annotated

import typer

from repro.bookkeeping.notebooks import find_notebook, write_parameters
from repro.cli.commands import refusing
from repro.floor import places


def knobs(notebook: Annotated[str, typer.Argument(help="A notebook, or a chapter for all of its notebooks.")]) -> None:
    """Write a notebook's parameters cell from the knobs that its scales.toml declares, in place."""
    with refusing(LookupError, ValueError, FileNotFoundError):
        for one in find_notebook(places.experiments(), notebook):
            typer.echo(f"{one.name}: {'written' if write_parameters(one) else 'right already'}")
