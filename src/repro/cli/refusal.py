"""How a command refuses: one message on standard error, exit code 2, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def refusing(*kinds: type[Exception]) -> Iterator[None]:
    """Turn the errors that a reader can mend into their message; anything else keeps its traceback."""
    try:
        yield
    except kinds as error:
        typer.secho(f"repro: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
