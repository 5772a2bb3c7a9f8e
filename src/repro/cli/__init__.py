"""`repro`, the command line: everything that the Makefile's two commands do not do."""

from __future__ import annotations

import typer

from repro.cli.commands import Commands

app = typer.Typer(name="repro", cls=Commands, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.callback()
def repro() -> None:
    """Reproducible experiments that check what people repeat about large language models."""


__all__ = ["app"]
