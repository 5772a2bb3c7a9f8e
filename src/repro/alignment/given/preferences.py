"""Given preference pairs: read from a file, a folder or the hub in any form that `forms` knows, or refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.alignment.given.forms import HELP, READ, Preference, preference, told
from repro.alignment.given.rows import PARQUET, Malformed, read_rows, table_rows
from repro.floor.identity import added
from repro.models.given import link, linked, links

GOLD = "gold"  # the reward that knows made-up reviews
FEWEST = 10  # pairs, and prompts, of which a fifth is held out
LEFT_OUT = {"equal": "equal replies", "empty": "an empty part"}  # rows that hold no preference
NOTHING: tuple[Any, ...] = (None, "", [], {})
READER = 2  # raised where the same file would now be read as other pairs


@dataclass(frozen=True, kw_only=True)
class GivenPairs:
    """Preference pairs: the last part of their `name`, the `sha256` of the file, how many they are, and who read it."""

    name: str
    sha256: str
    count: int
    reader: int = added(1)

    def rows(self) -> list[Preference]:
        """The pairs."""
        return self.reading().pairs

    def reading(self) -> Reading:
        """The pairs, and what was done to their rows."""
        return _read(read_rows(linked(self.sha256), self.name), self.name)


@dataclass
class Reading:
    """Pairs of a file; by what was done to rows, their places; and the columns that were not read."""

    pairs: list[Preference] = field(default_factory=list)
    places: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def given_pairs(name: str) -> GivenPairs:
    """Pairs in a file, in a folder of .parquet files, or in a data set's train split on the hub.

    Args:
        name: a path, or owner/name on the hub, with @revision behind it where the newest is not wanted.

    Raises:
        FileNotFoundError: no such file, folder or data set.
        Malformed: a row that is no pair.
    """
    path = Path(name).expanduser().absolute()
    if not _is_table(path):
        count = len(_read(read_rows(path, path.name), path.name).pairs)
        return GivenPairs(name=path.name, sha256=link(path, [path]), count=count, reader=READER)
    rows = list(table_rows(path, name))
    count = len(_read(rows, name).pairs)
    text = "".join(json.dumps(_plain(row), ensure_ascii=False, default=str) + "\n" for _, row in rows)
    file = links() / f"{hashlib.sha256(text.encode()).hexdigest()}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
    return GivenPairs(name=Path(name).name, sha256=link(file, [file]), count=count, reader=READER)


def _is_table(path: Path) -> bool:
    """Whether a path is no file, or one of Parquet."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET or path.suffix == ".parquet"


def _plain(row: Any) -> dict[str, Any]:
    """What of a table's row is read; as older records know it where there is no more than the three columns."""
    return {name: value for name, value in told(row).items() if value is not None or name in READ[:3]}


def _read(rows: Iterable[tuple[str, Any]], name: str) -> Reading:
    reading = Reading()
    for where, row in rows:
        done: list[str] = []
        pair = preference(where, row, done.append)
        for what in dict.fromkeys(done):
            reading.places[what].append(where)
        for column in (column for column, value in row.items() if value not in NOTHING and column not in told(row)):
            reading.unread[column].append(where)
        if pair is not None:
            reading.pairs.append(pair)
            _refuse_other_kind(pair, reading.pairs[0])
    if not reading.pairs:
        left = [f"{LEFT_OUT[what]} at {places[0]}" for what, places in reading.places.items() if what in LEFT_OUT]
        raise Malformed(f"{name} holds no pair at all{''.join(f', {one}' for one in left)}; {HELP}")
    return reading


def _refuse_other_kind(pair: Preference, first: Preference) -> None:
    if pair.talk != first.talk:
        kinds = ["conversation" if one.talk else "text" for one in (pair, first)]
        raise Malformed(f"{pair.where}: a {kinds[0]}, and the first pair is a {kinds[1]}; keep to one kind in a file")
