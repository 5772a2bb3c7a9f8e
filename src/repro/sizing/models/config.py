"""Reading a Hugging Face `config.json`: the fields a family's reader asks for, with errors that name them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST_BYTES = 2**25  # of a config.json; the largest published ones, with a table of labels or of layers, have below 1 MB
MOST = 10**12  # of any whole number in it
MOST_OF = {  # each of these makes a module or an entry of a table, on whatever device
    re.compile(r"(^|_)(layers?|depths?|blocks)$"): 2_000,
    re.compile(r"experts$"): 10_000,
    re.compile(r"(^|_)labels$"): 100_000,
    re.compile(r"positions?(_embeddings)?$"): 10**9,
}


class ConfigRefused(ValueError):
    """A configuration that cannot be counted: unreadable, of an unknown family, or lacking a field."""


class NotCounted(ConfigRefused):
    """A shape of a known family that its formula does not count; the built model may tell."""


class Config:
    """The fields of a configuration, asked for by name and checked on the way."""

    def __init__(self, fields: Mapping[str, Any], name: str) -> None:
        self.fields, self.name = fields, name
        self.family = self.text("model_type")
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Refuse numbers that no model has, in nested parts too, before anything is made of them."""
        parts = [self.fields]
        while parts:
            part = parts.pop()
            for field, value in part.items():
                if isinstance(value, Mapping):
                    parts.append(value)
                elif isinstance(value, int) and value > (most := _most(field)):
                    told = f"{value:,}" if value < 10**30 else "a number of more than 30 digits"
                    named = field if str(field).isprintable() else ascii(field)
                    raise ConfigRefused(f"{self.name}: {named} is {told}; expected at most {most:,}")

    def text(self, field: str) -> str:
        """A field that must be a text.

        Raises:
            ConfigRefused: it is absent or no text.
        """
        value = self.fields.get(field)
        if field == "model_type" and "peft_type" in self.fields:
            base = self.fields.get("base_model_name_or_path")
            raise ConfigRefused(
                f"{self.name} is the configuration of an adapter; give that of its base model, {shown(base)}"
            )
        if not isinstance(value, str):
            raise ConfigRefused(
                f"{self.name}: {field} is {shown(value)}; expected a name, as in a Hugging Face config.json"
            )
        return value

    def count(self, field: str, default: int | None = None) -> int:
        """A field that must be a whole number above zero; the default stands in if it is absent or null.

        Raises:
            ConfigRefused: it is absent without default, or no such number.
        """
        value = self.fields.get(field)
        value = default if value is None else value
        if value is None:
            raise ConfigRefused(f"{self.name}: {field} is missing; a config of family {self.family} needs it")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigRefused(f"{self.name}: {field} is {shown(value)}; expected a whole number above 0")
        return value

    def optional(self, field: str) -> int | None:
        """A whole number above zero, or None if it is absent or null."""
        return None if self.fields.get(field) is None else self.count(field)

    def number_or_zero(self, field: str, default: int = 0) -> int:
        """A whole number of which 0 is one; absent is the default, null is 0.

        Raises:
            ConfigRefused: it is no such number.
        """
        value = self.fields.get(field, default)
        return 0 if value in (None, 0) else self.count(field, default or None)

    def flag(self, field: str, default: bool) -> bool:
        """A field that must be true or false.

        Raises:
            ConfigRefused: it is something else.
        """
        value = self.fields.get(field)
        value = default if value is None else value
        if not isinstance(value, bool):
            raise ConfigRefused(f"{self.name}: {field} is {shown(value)}; expected true or false")
        return value

    def expect(self, field: str, value: object) -> None:
        """Refuse a configuration whose field is set to a shape that is not counted; absent and null are as expected.

        Raises:
            NotCounted: it has another value.
        """
        if self.fields.get(field) not in (None, value):
            raise NotCounted(
                f"{self.name}: {field} is {shown(self.fields[field])}; "
                f"family {self.family} is counted for {value!r} alone"
            )

    def divided(self, field: str, by: str) -> int:
        """One field over another, where the second must divide the first.

        Raises:
            ConfigRefused: it does not.
        """
        whole, parts = self.count(field), self.count(by)
        if whole % parts:
            raise ConfigRefused(f"{self.name}: {field} {whole} is not a multiple of {by} {parts}")
        return whole // parts


def read_config(source: str | Path | Mapping[str, Any], name: str | None = None) -> Config:
    """A configuration from a file, a folder that holds a `config.json`, or the fields themselves.

    Raises:
        ConfigRefused: the file cannot be read, is no JSON object, or names no model_type.
    """
    if isinstance(source, Mapping):
        return Config(source, name or "configuration")
    path = Path(source)
    try:
        path = path / "config.json" if path.is_dir() else path
        fields = json.loads(_text(path), object_hook=_told_number)
    except OSError as error:
        raise ConfigRefused(f"{path} cannot be read ({error.strerror}); give a config.json or a known name") from error
    except (ValueError, RecursionError) as error:
        raise ConfigRefused(f"{path} is no JSON ({shown(error)}); expected a Hugging Face config.json") from error
    if not isinstance(fields, dict):
        raise ConfigRefused(f"{path} holds a {type(fields).__name__}; expected an object of a Hugging Face config.json")
    return Config(fields, name or str(path))


def _text(path: Path) -> str:
    if not path.is_file() and path.exists():
        raise ValueError("it is no file")  # a pipe would be waited for
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has {path.stat().st_size:,} bytes, as weights have")
    return path.read_text(encoding="utf-8-sig")


def _told_number(fields: dict[str, Any]) -> Any:
    """Infinity as `transformers` writes it into JSON, which knows none: {"__float__": "Infinity"}."""
    told = fields.get("__float__")
    return float(told) if len(fields) == 1 and told in ("Infinity", "-Infinity", "NaN") else fields


def shown(value: object) -> str:
    """A value of a file in a message: on one line, a long one cut short."""
    told = " ".join(str(value if isinstance(value, Exception) else repr(value)).split())
    return told if len(told) <= 200 else f"{told[:200]} ..."


def _most(field: object) -> int:
    return next((most for name, most in MOST_OF.items() if name.search(str(field))), MOST)
