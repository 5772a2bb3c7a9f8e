"""Published models by name: their configurations with the source of each, kept in published.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from repro.sizing.families import architecture
from repro.sizing.memory.precision import Format
from repro.sizing.memory.stored import stored_format
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.config import ConfigRefused, read_config
from repro.sizing.models.parameters import expert_parameters


@dataclass(frozen=True)
class Published:
    """One entry of published.toml, where the fields are explained."""

    name: str
    source: str
    hub: str
    said: float
    config: dict[str, Any]

    @property
    def architecture(self) -> Architecture:
        """What the configuration describes."""
        return architecture(self.config, self.name)


@cache
def published() -> dict[str, Published]:
    """All published models by name, in the file's order."""
    text = resources.files("repro.sizing").joinpath("published.toml").read_text(encoding="utf-8")
    return {name: _published(name, **entry) for name, entry in tomllib.loads(text).items()}


def _published(name: str, config: dict[str, Any], null: Sequence[str] = (), **rest: Any) -> Published:
    return Published(name, config={**config, **dict.fromkeys(null)}, **rest)


def published_model(name: str) -> Architecture:
    """The architecture of a published model.

    Raises:
        ConfigRefused: none has this name; the message gives those that are known.
    """
    if name not in published():
        raise ConfigRefused(f"no published model is named {name!r}; known are {', '.join(published())}")
    return published()[name].architecture


def find_model(source: str) -> Architecture:
    """The architecture of a published model's name, or of a `config.json` (file or folder).

    Raises:
        ConfigRefused: it is neither, or the configuration cannot be counted.
    """
    if source in published():
        return published_model(source)
    return replace(architecture(_path(source)), name=shown_name(source))


def find_models(sources: Iterable[str]) -> dict[str, Architecture]:
    """Models by the names that they are shown by, each once.

    Raises:
        ConfigRefused: as `find_model` has it.
    """
    models = (find_model(source) for source in dict.fromkeys(sources))
    return {model.name: model for model in models}


def find_mixture(source: str) -> Architecture:
    """As `find_model`, of a model that has experts.

    Raises:
        ConfigRefused: it has none, or cannot be counted.
    """
    model = find_model(source)
    if not expert_parameters(model)[0]:
        raise ConfigRefused(f"{source} has no experts; give a mixture of experts, such as mixtral-8x7b")
    return model


def shown_name(source: str) -> str:
    """A published model's name, or a file's without its folders; a config.json keeps the one that it lies in."""
    if source in published():
        return source
    path = Path(source)
    path = path / "config.json" if path.is_dir() else path
    own = path.name if path.name != "config.json" else str(Path(path.absolute().parent.name, path.name))
    return own if own not in published() else str(path)


def find_format(source: str) -> Format | None:
    """The format in which a model's file says that its weights are stored; None where it says nothing.

    Raises:
        ConfigRefused: as `find_model` has it.
        FormatUnread: it says so in a way that is not read here.
    """
    return None if source in published() else stored_format(read_config(_path(source)).fields)


def _path(source: str) -> Path:
    path = Path(source)
    try:
        there = path.exists()
    except OSError:  # a name of five thousand characters
        there = False
    if not there:
        known = ", ".join(published())
        raise ConfigRefused(f"{source} is neither a file nor a published model; the models are {known}")
    return path
