"""A notebook's parameters: refused if unknown, mistyped or never read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from repro.floor.scale import KnobValue, Scale, Setting, fitting_knob

reserved = ("scale", "compute")
computes = ("missing", "never")


class UnknownParameter(ValueError):
    """A parameter that the notebook does not have."""


class UnreadParameter(ValueError):
    """A parameter that was set and that the notebook never looked at."""


def check_parameters(given: Mapping[str, object], settings: Mapping[Scale, Setting]) -> None:
    """Refuse parameters that no knob of the chapter answers to, before anything is started.

    Raises:
        UnknownParameter: with the nearest name there is.
        TypeError, ValueError: a value that its knob cannot take.
    """
    scale = _scale(given.get("scale", "smoke"), settings)
    if given.get("compute", "missing") not in computes:
        raise ValueError(f"compute = {given['compute']!r}; expected one of {computes}")
    declared = settings[scale].knobs
    known = [*reserved, *declared]
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            raise UnknownParameter(f"no parameter {name!r} in this notebook; {hint}")
        if name in declared and value is not None:
            fitting_knob(name, value, declared[name])


def _scale(given: object, settings: Mapping[Scale, Setting]) -> Scale:
    if given not in [str(scale) for scale in settings]:
        raise ValueError(f"scale = {given!r}; this chapter declares {', '.join(settings)}")
    return Scale(str(given))


class Knobs:
    """The knobs of one run: the scale's own values, or what the reader gave instead. Reading one is remembered."""

    def __init__(self, setting: Setting, given: Mapping[str, Any]) -> None:
        declared = setting.knobs
        chosen = {
            name: fitting_knob(name, given[name], declared[name]) for name in declared if given.get(name) is not None
        }
        self._declared = declared
        self._used: dict[str, KnobValue] = {**declared, **chosen}
        self._given = set(chosen)
        self._read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        used: dict[str, KnobValue] = self.__dict__.get("_used", {})
        if name not in used:
            raise AttributeError(f"no knob {name!r}; scales.toml declares {', '.join(used)}")
        self._read.add(name)
        return used[name]

    @property
    def declared(self) -> bool:
        """Whether every value is the scale's own."""
        return self._used == self._declared

    def rows(self) -> list[tuple[str, KnobValue, KnobValue]]:
        """(name, the scale's value, the value used), in the order of scales.toml."""
        return [(name, value, self._used[name]) for name, value in self._declared.items()]

    def refuse_unread(self) -> None:
        """Raise UnreadParameter if a value was given for a knob that nobody read."""
        if unread := sorted(self._given - self._read):
            raise UnreadParameter(
                f"{', '.join(unread)} was given but this notebook never reads it, so it changed nothing"
            )
