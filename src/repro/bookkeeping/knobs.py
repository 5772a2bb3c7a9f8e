"""A notebook's parameters: read from a command line, refused if unknown, mistyped or never looked at."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from repro.floor.faults import DAMAGE, fault, printable
from repro.floor.scale import KnobValue, Scale, Setting, fitting_knob

reserved = ("scale", "compute")
computes = ("missing", "never")
EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+")


class UnknownParameter(ValueError):
    """A parameter that the notebook does not have."""


class UnreadParameter(ValueError):
    """A parameter that was set and that the notebook never looked at."""


def read_parameters(words: Sequence[str], declared: Mapping[str, KnobValue]) -> dict[str, Any]:
    """Values by name from NAME=VALUE, as papermill's -p takes them: YAML, in which 1e-3 is a number too.

    Args:
        declared: the knobs of the scale. One that is a text, or a list of texts, is given texts: 1e-3, yes or 010 as
            they stand. A value that is empty, null or ~ is None for every knob: the scale's own.

    Raises:
        ValueError: a word without a name, or a value that is no YAML.
    """
    given = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals):
            raise ValueError(f"-p {word}: expected NAME=VALUE, such as -p resamples=2000")
        value = declared.get(name, "" if name in reserved else 0)
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
        if isinstance(value, str) and text not in ("", "null", "~") and not quoted:
            given[name] = text  # a path may hold what YAML would act on
        else:
            given[name] = _from_yaml(
                word, text, texts=isinstance(value, list) and isinstance(next(iter(value), 0), str)
            )
    return given


def _from_yaml(word: str, text: str, *, texts: bool) -> Any:
    import yaml

    class Loader(yaml.BaseLoader if texts else yaml.SafeLoader):  # type: ignore[misc]
        """YAML 1.1, whose numbers need a point before an exponent, with those that do without one, as in YAML 1.2."""

    if not texts:
        Loader.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, [*"-+.0123456789"])
    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, *DAMAGE) as error:
        why = printable(getattr(error, "problem", None) or fault(error))
        told = f"no value in YAML ({why}); expected a number, true, a text or a list [1, 2]"
        raise ValueError(f"-p {word}: {told}") from error


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
