"""The manifests of environment texts: which packages, at which versions, and the sha256 of what they give."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("manifests")


@dataclass(frozen=True)
class Package:
    """One package of a text: `split` it belongs to; version, files, bytes and sha256 of the source it offers."""

    name: str
    split: str
    version: str
    files: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TokenCounts:
    """What a tokeniser made of the text: `train` and `test` tokens, sha256 over both."""

    train: int
    test: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A text of installed packages.

    Fields: `sha256` of the whole text; `train_bytes` and `test_bytes`, training documents first; `train_files` and
    `test_files` kept; `dropped` files by reason; `tokens` by vocabulary.
    """

    name: str
    about: str
    sha256: str
    train_bytes: int
    test_bytes: int
    train_files: int
    test_files: int
    dropped: dict[str, int]
    tokens: dict[int, TokenCounts]
    packages: tuple[Package, ...]

    @property
    def bytes(self) -> int:
        """Bytes of the whole text."""
        return self.train_bytes + self.test_bytes


@cache
def manifests() -> dict[str, Manifest]:
    """All environment texts by name."""
    return {path.stem: parse(path.stem, path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.toml"))}


def kept_in(name: str) -> Path:
    """The file of a manifest."""
    return _FOLDER / f"{name}.toml"


def manifest(name: str) -> Manifest:
    """The manifest of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in manifests():
        raise ValueError(
            f"no environment text is named {name!r}; `repro data list` names them: {', '.join(manifests())}"
        )
    return manifests()[name]


def parse(name: str, text: str) -> Manifest:
    """A manifest from its TOML."""
    entry = tomllib.loads(text)
    packages = tuple(Package(name=package, **fields) for package, fields in entry.pop("packages").items())
    tokens = {int(vocabulary): TokenCounts(**counts) for vocabulary, counts in entry.pop("tokens", {}).items()}
    return Manifest(name=name, packages=packages, tokens=tokens, **entry)


def spell(entry: Manifest) -> str:
    """A manifest as TOML: what `parse` reads."""
    plain = {"about": entry.about, "sha256": entry.sha256}
    plain |= {field: getattr(entry, field) for field in ("train_bytes", "test_bytes", "train_files", "test_files")}
    lines = [f"{field} = {json.dumps(value, ensure_ascii=False)}" for field, value in plain.items()]
    lines += ["", "[dropped]", *(f"{json.dumps(reason)} = {count}" for reason, count in entry.dropped.items())]
    for vocabulary, counts in entry.tokens.items():
        lines += ["", f"[tokens.{vocabulary}]", f"train = {counts.train}", f"test = {counts.test}"]
        lines += [f'sha256 = "{counts.sha256}"']
    for package in entry.packages:
        lines += ["", f'[packages."{package.name}"]', f'split = "{package.split}"', f'version = "{package.version}"']
        lines += [f"files = {package.files}", f"bytes = {package.bytes}", f'sha256 = "{package.sha256}"']
    return "\n".join(lines) + "\n"
