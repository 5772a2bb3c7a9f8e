"""Scales (smoke, cpu, gpu) and the knobs that a chapter turns at each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from repro.floor.toml_files import load_toml, table_of

type_names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list"}

KnobValue = bool | int | float | str | list[bool] | list[int] | list[float] | list[str]


class Scale(StrEnum):
    """How much is computed: seconds in CI, an hour of two cores, or one large GPU."""

    SMOKE = "smoke"
    CPU = "cpu"
    GPU = "gpu"

    @property
    def rank(self) -> int:
        return list(Scale).index(self)

    def reaches(self, needed: Scale) -> bool:
        """Whether a result at this scale may settle a claim that needs `needed`."""
        return self.rank >= needed.rank


@dataclass(frozen=True)
class Setting:
    """A chapter's knobs at one scale, and the words that say what this scale speaks for."""

    scale: Scale
    scope: str
    knobs: dict[str, KnobValue]


def scales_path(notebook: Path) -> Path:
    """Where a notebook's knobs stand: in its own <notebook>.scales.toml, else in its chapter's scales.toml."""
    own = notebook.with_suffix(".scales.toml")
    return own if own.is_file() else notebook.parent / "scales.toml"


def load_help(path: Path) -> dict[str, str]:
    """The words of a chapter's scales.toml on each knob, from its table [knobs]."""
    words = table_of(path, "knobs", load_toml(path).get("knobs", {}))
    if odd := next((name for name, told in words.items() if not isinstance(told, str)), None):
        raise ValueError(f"{path}: [knobs] {odd} = {words[odd]!r:.40}; expected a few words on it")
    return words


def load_scales(path: Path) -> dict[Scale, Setting]:
    """The settings that a chapter's scales.toml declares, in order of scale.

    Raises:
        ValueError: no scale, an unknown one, no `scope`, scales of different knobs, or not those that [knobs] tells of;
            a value that no knob takes.
    """
    settings: dict[Scale, Setting] = {}
    tables = load_toml(path)
    told_of = set(table_of(path, "knobs", tables.pop("knobs", {})))
    if not tables:
        raise ValueError(f"{path} declares no scale; expected [{Scale.SMOKE}] at least")
    for name, entries in tables.items():
        if name not in list(Scale):
            raise ValueError(f"{path}: [{name}] is no scale; expected one of {', '.join(Scale)}")
        knobs = dict(table_of(path, name, entries))
        if not isinstance(knobs.get("scope"), str):
            raise ValueError(f"{path}: [{name}] has no `scope`; say in a few words what its results speak for")
        if odd := next((knob for knob, value in knobs.items() if not _is_knob(value)), None):
            what = "true or false, a finite number, a text or a list"
            raise ValueError(f"{path}: [{name}] {odd} = {knobs[odd]!r:.40}; expected {what}")
        settings[Scale(name)] = Setting(Scale(name), knobs.pop("scope"), knobs)
    declared = {scale: set(setting.knobs) for scale, setting in settings.items()}
    every = set().union(*declared.values())
    for scale, knobs_here in declared.items():
        if missing := every - knobs_here:
            raise ValueError(f"{path}: [{scale}] lacks {sorted(missing)}; every scale declares the same knobs")
    if told_of != every:
        raise ValueError(f"{path}: [knobs] tells of {sorted(told_of)}; expected a few words on each of {sorted(every)}")
    return dict(sorted(settings.items(), key=lambda item: item[0].rank))


def _is_knob(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_knob, value))
    return isinstance(value, bool | str) or (isinstance(value, int | float) and _is_finite(value))


def _is_finite(given: float) -> bool:
    try:
        return math.isfinite(given)
    except OverflowError:  # a whole number of more than 308 digits
        return False


def fitting_knob(name: str, given: object, declared: KnobValue) -> KnobValue:
    """`given` as a value of the knob `name`, whose type is that of its `declared` value.

    Raises:
        TypeError: the type does not fit; a whole float passes for an int, an int for a float.
        ValueError: it is NaN, or too large for a number.
    """
    if isinstance(declared, float) and isinstance(given, int | float) and not _is_finite(given):
        raise ValueError(f"{name} = {given!s:.20} is no finite number; expected one, as in {declared!r}")
    if isinstance(declared, float) and isinstance(given, int) and not isinstance(given, bool):
        return float(given)
    if isinstance(declared, int) and isinstance(given, float) and given.is_integer() and not isinstance(declared, bool):
        return int(given)
    if type(given) is not type(declared):
        raise TypeError(
            f"{name} = {given!r} is {type(given).__name__}; expected {type_names[type(declared)]}, as in {declared!r}"
        )
    if isinstance(given, list) and isinstance(declared, list) and declared:
        return [fitting_knob(f"{name}[{i}]", item, declared[0]) for i, item in enumerate(given)]  # type: ignore[return-value]
    return given
