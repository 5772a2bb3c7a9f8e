"""Public tables of other people's runs: found by name and sha256, never by path.

Legend: N parameters, D training tokens, C floating-point operations (C = 6 N D), loss in nats per token.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import tempfile
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.floor import places
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

if TYPE_CHECKING:  # to list the tables one needs none of it
    import pandas as pd
QUANTITIES = ("N", "D", "C", "loss")


class TableMissing(FileNotFoundError):
    """No folder holds the table."""


class TableWrong(ValueError):
    """A file bears the table's name and other bytes."""


@dataclass(frozen=True)
class TableId:
    """Which table a measurement reads: its name and the sha256 of its bytes."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(
                f"sha256 {self.sha256!r} of table {self.name!r}; expected 64 lower-case hexadecimal digits"
            )


@dataclass(frozen=True)
class Table:
    """One entry of the manifest (tables.toml), where the fields are explained."""

    name: str
    file: str
    rows: int
    sha256: str
    repository: str
    commit: str
    licence: str
    about: str
    derived: str
    fetch: str
    verified: bool
    convert: str
    sources: tuple[str, ...]
    columns: dict[str, str]
    counting: str

    @property
    def id(self) -> TableId:
        """The table's identity."""
        return TableId(self.name, self.sha256)

    @property
    def origin(self) -> str:
        """Repository and commit, as a reader may look them up."""
        return f"https://github.com/{self.repository}/tree/{self.commit}"


@cache
def tables() -> dict[str, Table]:
    """All public tables by name, in the manifest's order."""
    text = resources.files("repro.corpora.tables").joinpath("tables.toml").read_text(encoding="utf-8")
    return {name: _table(name, entry) for name, entry in tomllib.loads(text).items()}


def table(name: str) -> Table:
    """The manifest's entry of a name.

    Raises:
        ValueError: the manifest knows no such table.
    """
    if name not in tables():
        raise ValueError(f"no public table is named {name!r}; `repro data list` names them: {', '.join(tables())}")
    return tables()[name]


def table_id(name: str) -> TableId:
    """The identity of a public table, for a configuration."""
    return table(name).id


def find_table(wanted: TableId) -> Path:
    """The file that holds exactly this table.

    Looks in the folders of REPRO_DATA, then in the cache.

    Raises:
        TableWrong: a folder holds a file of that name with other bytes.
        TableMissing: nobody holds it; the message gives the command that fetches it.
    """
    entry = tables().get(wanted.name)
    file = entry.file if entry else f"{wanted.name}.csv"
    for path in [folder / file for folder in places.data_folders()] + [kept_at(wanted.sha256)]:
        if path.is_file():
            _check(path, wanted)
            return path
    raise TableMissing(_how_to_get(wanted, file))


def adopt(path: Path) -> TableId:
    """Copy a reader's own table into the cache, where every worker finds it by its sha256."""
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    keep(content, kept_at(sha256))
    return TableId(path.name if path.stem in tables() else path.stem, sha256)  # no public table, whatever its name


def kept_at(sha256: str) -> Path:
    """Where the cache keeps the table of these bytes."""
    return places.cache() / "tables" / f"{sha256}.csv"


def keep(content: bytes, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)


def load_table(wanted: TableId) -> pd.DataFrame:
    """The table as its file has it."""
    import pandas as pd

    return pd.read_csv(find_table(wanted), low_memory=False)


def load_runs(wanted: TableId) -> pd.DataFrame:
    """The table as training runs: float columns N, D, C, loss first, then all other columns as the file has them.

    What N counts differs between tables: `table(name).counting` says it.

    Raises:
        ValueError: the manifest declares no such columns for the table.
    """
    import pandas as pd

    columns = tables()[wanted.name].columns if wanted.name in tables() else {}
    if not columns:
        runs = [name for name, entry in tables().items() if entry.columns]
        raise ValueError(f"table {wanted.name!r} holds no declared runs; these do: {', '.join(runs)}")
    raw = load_table(wanted)
    quantities = complete(pd.DataFrame({quantity: raw[column].astype(float) for quantity, column in columns.items()}))
    others = raw.drop(columns=[*columns.values(), *(set(QUANTITIES) & set(raw.columns))], errors="ignore")
    return pd.concat([quantities, others], axis=1)


def complete(runs: pd.DataFrame) -> pd.DataFrame:
    """Columns N, D, C, loss, where the one of N, D, C that is absent comes from C = 6 N D."""
    import pandas as pd

    given = {quantity: runs[quantity] for quantity in QUANTITIES if quantity in runs}
    if "N" not in given:
        given["N"] = given["C"] / (FLOP_PER_PARAMETER_TOKEN * given["D"])
    if "D" not in given:
        given["D"] = given["C"] / (FLOP_PER_PARAMETER_TOKEN * given["N"])
    if "C" not in given:
        given["C"] = FLOP_PER_PARAMETER_TOKEN * given["N"] * given["D"]
    return pd.DataFrame({quantity: given[quantity] for quantity in QUANTITIES})


def _table(name: str, entry: dict[str, Any]) -> Table:
    known = {"convert": "", "counting": "", **entry}
    columns = dict(known.pop("runs", {}))
    sources = sorted({path for source in known.pop("sources", []) for path in _paths(source)})
    return Table(name=name, columns=columns, sources=tuple(sources), **known)


def _paths(source: dict[str, Any]) -> list[str]:
    over: dict[str, list[str]] = source.get("over", {})
    choices = [dict(zip(over, values, strict=True)) for values in itertools.product(*over.values())]
    return [path.format(**choice) for path in source["paths"] for choice in choices]


def _check(path: Path, wanted: TableId) -> None:
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != wanted.sha256:
        raise TableWrong(
            f"{path} has sha256 {got}; table {wanted.name!r} has {wanted.sha256}. Remove the file, or take its folder "
            f"out of REPRO_DATA, and run: repro data fetch {wanted.name}"
        )


def _how_to_get(wanted: TableId, file: str) -> str:
    looked = [str(folder) for folder in places.data_folders()] or ["REPRO_DATA, which names no folder"]
    where = f"looked for {file} in {', '.join(looked)} and for its sha256 in {places.cache() / 'tables'}"
    if wanted.name in tables():
        return (
            f"table {wanted.name!r} (sha256 {wanted.sha256[:12]}...) is not at hand: {where}. "
            f"Run: repro data fetch {wanted.name}   or set REPRO_DATA to a folder that holds {file}"
        )
    return (
        f"table {wanted.name!r} (sha256 {wanted.sha256[:12]}...) is no public table and is not at hand: {where}. "
        f"Set REPRO_DATA to the folder that holds {file}"
    )
