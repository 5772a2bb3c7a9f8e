"""TOML files that people write by hand: read whole, or refused by name with the line at fault."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from repro.floor.faults import fault, printable


def load_toml(path: Path) -> dict[str, Any]:
    """The tables of a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no file, no UTF-8 or no TOML.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; expected a TOML file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no TOML: {fault(error)}") from error


def table_of(path: Path, name: str, entries: object) -> dict[str, Any]:
    """The entries under [name].

    Raises:
        ValueError: there is a value of this name, where a table is expected.
    """
    if not isinstance(entries, dict):
        told = printable(name)
        raise ValueError(f"{path}: {told} = {entries!r:.40} is no table; expected [{told}] and its entries below")
    return entries
