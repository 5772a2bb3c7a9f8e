"""Given preference pairs: in the formats that trl takes, read from a file or from the hub, or refused.

A row holds `prompt`, `chosen` and `rejected`, texts or lists of messages with `role` and `content`; without `prompt`
both others begin with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.models.given import link, linked, links, on_hub

SIDES = ("chosen", "rejected")
ROLES = ("user", "assistant")  # in turns, behind a system message if there is one
Said = str | list[dict[str, str]]
HELP = (
    "write {prompt, chosen, rejected} as texts or as lists of {role, content}, or chosen and rejected with the prompt"
)


class Malformed(ValueError):
    """A row that is no preference pair: where it stands, what was got, what was expected."""


@dataclass(frozen=True)
class Preference:
    """A prompt with the reply that won and the one that lost: three texts, or three lists of messages."""

    prompt: Said
    chosen: Said
    rejected: Said

    @property
    def talk(self) -> bool:
        """Whether it is a conversation."""
        return not isinstance(self.prompt, str)


@dataclass(frozen=True, kw_only=True)
class GivenPairs:
    """Preference pairs: the last part of their `name`, the `sha256` of the file, and how many they are."""

    name: str
    sha256: str
    count: int

    def rows(self) -> list[Preference]:
        """The pairs."""
        return read_pairs(linked(self.sha256))


def given_pairs(name: str) -> GivenPairs:
    """Pairs in a .jsonl file, in .parquet (a file, or a folder of them), or in a data set's train split on the hub.

    Args:
        name: a path, or owner/name on the hub, with @revision behind it where the newest is not wanted.

    Raises:
        FileNotFoundError: no such file, folder or data set.
        Malformed: a row that is no pair.
    """
    path = Path(name).expanduser().absolute()
    if path.is_file() and path.suffix != ".parquet":
        return GivenPairs(name=path.name, sha256=link(path, [path]), count=len(read_pairs(path)))
    rows = list(_table(path, name))
    count = len(_checked((f"{name}, row {number}", row) for number, row in enumerate(rows, start=1)))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file = links() / f"{hashlib.sha256(text.encode()).hexdigest()}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
    return GivenPairs(name=Path(name).name, sha256=link(file, [file]), count=count)


def read_pairs(file: Path) -> list[Preference]:
    """The pairs of a file with one JSON object per line; empty lines do not count.

    Raises:
        Malformed: a line that is no pair.
    """
    return _checked(_lines(file))


def _lines(file: Path) -> Iterator[tuple[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{file.name}, line {number}"
            try:
                if line.strip():
                    yield where, json.loads(line)
            except json.JSONDecodeError as error:
                raise Malformed(f"{where}: no JSON ({error}); expected one object per line; {HELP}") from None


def _table(path: Path, name: str) -> Iterator[Any]:
    """Rows of parquet files or of the hub; only what a pair is made of."""
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    if not files and (path.exists() or not on_hub(name.split("@")[0])):
        raise FileNotFoundError(
            f"no pairs at {name}; give a .jsonl file, a .parquet file or folder, or owner/name of a data set on the hub"
        )
    from datasets import Dataset, load_dataset

    if files:
        ours = [file for file in files if file.name.startswith("train")] or files
        table = Dataset.from_parquet([str(file) for file in ours], keep_in_memory=True)
    else:
        owner, _, revision = name.partition("@")
        table = load_dataset(owner, split="train", revision=revision or None)
    for row in table:
        yield {key: row[key] for key in ("prompt", *SIDES) if key in row}


def _checked(rows: Iterator[tuple[str, Any]]) -> list[Preference]:
    pairs: list[Preference] = []
    for where, row in rows:
        pairs.append(_preference(where, row))
        if pairs[-1].talk != pairs[0].talk:
            kinds = ["conversation" if pair.talk else "text" for pair in (pairs[-1], pairs[0])]
            raise Malformed(f"{where}: a {kinds[0]}, and the first pair is a {kinds[1]}; keep to one of them in a file")
    if not pairs:
        raise Malformed(f"no pair at all; {HELP}")
    return pairs


def _preference(where: str, row: Any) -> Preference:
    if not isinstance(row, dict):
        raise Malformed(f"{where}: got {type(row).__name__}; expected an object; {HELP}")
    if missing := [side for side in SIDES if row.get(side) is None]:
        fields = ", ".join(row) or "nothing"
        raise Malformed(f"{where}: no {' and no '.join(missing)}, it holds {fields}; {HELP}")
    kinds = {key: _kind(row[key]) for key in ("prompt", *SIDES) if row.get(key) is not None}
    if kinds.get("prompt") == "text" and {kinds[side] for side in SIDES} == {"messages"}:
        kinds.pop("prompt")  # as in many sets on the hub: the whole conversation stands in both, the prompt once more
    if len(set(kinds.values())) > 1 or "neither" in kinds.values():
        mixture = ", ".join(f"{key} is {kind}" for key, kind in kinds.items())
        raise Malformed(f"{where}: {mixture} of text and messages; expected one kind in all; {HELP}")
    if row["chosen"] == row["rejected"]:
        raise Malformed(f"{where}: chosen and rejected are equal, so nothing is preferred; leave the pair out")
    parts = [row[key] for key in ("prompt", *SIDES)] if "prompt" in kinds else _parted(row["chosen"], row["rejected"])
    for key, part in zip(("prompt", *SIDES), parts, strict=True):
        if not (part.strip() if isinstance(part, str) else part):
            why = "" if "prompt" in kinds else " once the beginning that both share is taken as the prompt"
            raise Malformed(
                f"{where}: {key} is empty{why}; expected a prompt and two replies; fill it or drop the pair"
            )
    if not isinstance(parts[0], str):
        for side, reply in zip(SIDES, parts[1:], strict=True):
            _refuse_turns(where, side, parts[0], reply)
    return Preference(*parts)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    message = isinstance(value, list) and all(
        isinstance(one, dict) and isinstance(one.get("role"), str) and isinstance(one.get("content"), str)
        for one in value
    )
    return "messages" if message else "neither"


def _parted(chosen: Any, rejected: Any) -> list[Any]:
    """The beginning that both share, and what is left of each; a space before a reply stays with it, as in trl."""
    same = 0
    while same < min(len(chosen), len(rejected)) and chosen[same] == rejected[same]:
        same += 1
    if isinstance(chosen, str) and same and chosen[same - 1] == " ":
        same -= 1
    return [chosen[:same], chosen[same:], rejected[same:]]


def _refuse_turns(where: str, side: str, prompt: list[dict[str, str]], reply: list[dict[str, str]]) -> None:
    """Refuse a conversation in which roles do not take turns, or that does not end with one reply."""
    roles = [message["role"] for message in [*prompt, *reply]]
    turns = roles[1:] if roles[0] == "system" else roles
    expected = [ROLES[place % 2] for place in range(len(turns))]
    if turns != expected or len(reply) != 1 or turns[-1] != "assistant":
        raise Malformed(
            f"{where}: prompt and {side} have the roles {', '.join(roles)}, {len(reply)} of them the reply's; expected "
            "system or not, then user and assistant in turns, and one message of the assistant as reply; mend the order"
        )
    for message in [*prompt, *reply]:
        if not message["content"].strip():
            raise Malformed(f"{where}: an empty message of the {message['role']}; fill it or leave the pair out")
