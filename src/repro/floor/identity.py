"""Identity: equal values spell alike, and a trial's key is the hash of its spelling.

Four rules. Equal values spell alike (1 and 1.0, fields in any order); what has no single spelling is
refused. All fields of a configuration count, defaults too, except one added later (`added`) that is at its
default. A configuration holds the stage it starts from, so it is its own lineage. A measurement that now
measures something else gets a new version.
"""

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

Spelled = None | bool | int | float | str | list["Spelled"] | dict[str, "Spelled"]


def added(default: Any) -> Any:
    """A configuration field that came later: at `default` it leaves the keys of older records alone."""
    return field(default=default, metadata={"added": True})


def renamed(default: Any = MISSING, *, spelled: str) -> Any:
    """A configuration field that older records know by the name `spelled`, and newer ones too."""
    return field(default=default, metadata={"spelled": spelled})


def spelled_class(kind: type) -> str:
    """The name by which records know a configuration class: its `spelled`, where it was renamed, else its own."""
    return str(vars(kind).get("spelled", kind.__name__))


def _spelled_field(part: Field[Any]) -> str:
    return str(part.metadata.get("spelled", part.name))


def spell(value: object) -> Spelled:
    """`value` in plain JSON types, one spelling for equal values.

    Raises:
        TypeError: a value of no fixed spelling: a function, a path, a set, an array, an object that is no dataclass.
        ValueError: NaN or an infinity.
    """
    if value is None or (isinstance(value, bool | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return spell(value.value)
    if isinstance(value, int | float):
        return _spell_number(value)
    if isinstance(value, tuple | list):
        return [spell(item) for item in value]
    if isinstance(value, Mapping):
        return {_spell_name(name): spell(item) for name, item in sorted(value.items())}
    if is_dataclass(value) and not isinstance(value, type):
        return {"is": spelled_class(type(value)), **_spell_fields(value)}
    raise TypeError(
        f"{value!r} ({type(value).__name__}) has no fixed spelling; a configuration holds booleans, numbers, "
        "texts, None, tuples of these and frozen dataclasses (data goes by name and sha256, never by path)"
    )


def _spell_number(value: int | float) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be part of a configuration; expected a finite number")
        if value.is_integer():
            return int(value)  # 1 and 1.0 are the same number, so they must share one record
    return value


def _spell_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} names a field but is {type(name).__name__}; expected a text")
    return name


def _spell_fields(config: Any) -> dict[str, Spelled]:
    spelled = {}
    for part in sorted(fields(config), key=lambda part: part.name):
        value = getattr(config, part.name)
        if part.metadata.get("added") and part.default is not MISSING and spell(value) == spell(part.default):
            continue
        spelled[_spelled_field(part)] = spell(value)
    return spelled


def key(function: str, version: int, config: object, seed: int) -> str:
    """The name of a trial's record: 64 hexadecimal digits over function, version, configuration and seed."""
    return spelled_key(function, version, spell(config), seed)


def spelled_key(function: str, version: int, spelled_config: Spelled, seed: int) -> str:
    """`key` of a configuration that is spelled already, as it stands in a record."""
    return digest({"config": spelled_config, "function": function, "seed": spell(seed), "version": spell(version)})


def digest(plain: object) -> str:
    """sha256 of plain JSON types in one text: names sorted, no spaces, ASCII, each float in its fewest digits.

    Raises:
        ValueError: they hold NaN or an infinity.
    """
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def rebuild(kind: type, spelled: Spelled) -> Any:
    """The configuration of class `kind` that `spell` turned into `spelled`.

    Raises:
        ValueError: `spelled` has other fields than today's class, or is spelled for another class.
    """
    if not isinstance(spelled, dict) or spelled.get("is") != spelled_class(kind):
        raise ValueError(
            f"spelled for {spelled.get('is') if isinstance(spelled, dict) else spelled!r}, not {spelled_class(kind)}"
        )
    hints = _hints(kind)
    given = {name: value for name, value in spelled.items() if name != "is"}
    known = {_spelled_field(part): part for part in fields(kind)}
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"{kind.__name__} has no field {unknown}")
    missing = [n for n, part in known.items() if n not in given and not part.metadata.get("added")]
    if missing:
        raise ValueError(f"{kind.__name__} has fields {missing} that the record does not know")
    return kind(**{known[name].name: _rebuild_value(hints[known[name].name], value) for name, value in given.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a class's fields; reading them compiles each annotation, which thousands of records would repeat."""
    return typing.get_type_hints(kind)


def _rebuild_value(hint: Any, value: Spelled) -> Any:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for option in options:
        if isinstance(value, dict) and isinstance(option, type) and spelled_class(option) == value.get("is"):
            return rebuild(option, value)
        if isinstance(value, list) and typing.get_origin(option) is tuple:
            inner = typing.get_args(option)
            kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else list(inner)
            return tuple(_rebuild_value(kind, item) for kind, item in zip(kinds, value, strict=True))
        if option is float and isinstance(value, int) and not isinstance(value, bool) and int not in options:
            return float(value)
        if isinstance(option, type) and issubclass(option, Enum) and value in [member.value for member in option]:
            return option(value)
    return value
