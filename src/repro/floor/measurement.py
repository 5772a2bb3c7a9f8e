"""A measurement is a function (configuration, seed) -> numbers, known by its name and version."""

from __future__ import annotations

import dataclasses
import importlib
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.floor.identity import key

Number = bool | int | float | str | None
Numbers = Mapping[str, Number | list[Number] | list[float] | list[int] | list[str]]


class Diverged(Exception):
    """A run whose result is that it did not converge; recorded with its reason, never as 0 or NaN."""


@dataclass(frozen=True)
class Together:
    """How many trials of a measurement run in one program.

    Fields: `alike` (config) -> what the configurations of one program have in common; `function` (configs, seeds) ->
    for each trial what the measurement alone would give, up to rounding, or how it diverged.
    """

    alike: Callable[[Any], Any]
    function: Callable[[Sequence[Any], Sequence[int]], list[Numbers | Diverged]]


@dataclass(frozen=True)
class Measurement:
    """A registered function; calling it measures, without looking at any record.

    Fields: `name` the function's, `version` raised when the same configuration would now measure something else,
    `function` (config, seed) -> numbers, `config_class` the frozen dataclass of its first argument, `together` how many
    trials run in one program, if they can; `alone` if it times itself, so that no other trial runs beside it.
    """

    name: str
    version: int
    function: Callable[[Any, int], Numbers]
    config_class: type
    together: Together | None = None
    alone: bool = False

    @property
    def module(self) -> str:
        """The module that registers it; a worker process imports this first."""
        return self.function.__module__

    def key(self, config: object, seed: int) -> str:
        """The name of the record of one trial."""
        self.accept(config)
        return key(self.name, self.version, config, seed)

    def accept(self, config: object) -> None:
        """Refuse a configuration of another class."""
        if type(config) is not self.config_class:
            raise TypeError(f"{self.name} takes a {self.config_class.__name__}, got {config!r}")

    def __call__(self, config: Any, seed: int) -> Numbers:
        """Measure now.

        Raises:
            Diverged: the run did not converge.
            ValueError: the function gave NaN, an infinity or something that is no plain number.
        """
        self.accept(config)
        return self._recordable(self.function(config, seed))

    def all_together(self, configs: Sequence[Any], seeds: Sequence[int]) -> list[Numbers | Diverged]:
        """Measure several trials in one program, now.

        Raises:
            ValueError: as for one, or the measurement runs each trial alone.
        """
        if self.together is None:
            raise ValueError(f"{self.name} runs each trial alone; only one with `together` runs several in one program")
        found = self.together.function(configs, seeds)
        return [one if isinstance(one, Diverged) else self._recordable(one) for one in found]

    def _recordable(self, numbers: Numbers) -> Numbers:
        for name, value in numbers.items():
            _refuse_unrecordable(f"{self.name}: {name}", value)
        return numbers


def _refuse_unrecordable(where: str, value: object) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unrecordable(f"{where}[{index}]", item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}; a run that diverges raises Diverged, an absent number is None")
    elif type(value) not in (bool, int, float, str, type(None)):
        raise ValueError(f"{where} is {type(value).__name__}; expected a plain number, text, None or a list of these")


_registry: dict[str, Measurement] = {}


def measurement(
    *, version: int, together: Together | None = None, alone: bool = False
) -> Callable[[Callable[[Any, int], Numbers]], Measurement]:
    """Register the decorated function under its own name; `together` and `alone` say how its trials run.

    Raises:
        TypeError: it does not take (config: a frozen dataclass, seed: int).
        ValueError: another module registered the name already.
    """

    def register(function: Callable[[Any, int], Numbers]) -> Measurement:
        made = Measurement(function.__name__, version, function, _config_class(function), together, alone)
        held = _registry.get(made.name)
        if held is not None and held.module != made.module:
            raise ValueError(f"{made.module} registers {made.name}, which {held.module} has already; rename one")
        _registry[made.name] = made
        return made

    return register


def _config_class(function: Callable[..., Any]) -> type:
    hints = typing.get_type_hints(function)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    kind = hints.get("config")
    if names != ("config", "seed") or not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise TypeError(f"{function.__name__}{names} must take (config: <frozen dataclass>, seed: int)")
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{kind.__name__}, the configuration of {function.__name__}, must be frozen")
    return kind


def registered() -> dict[str, Measurement]:
    """Every measurement whose module was imported, by name."""
    return dict(_registry)


def find(name: str, module: str) -> Measurement:
    """The measurement `name` after importing the module that registers it (in a fresh worker, say)."""
    importlib.import_module(module)
    return _registry[name]
