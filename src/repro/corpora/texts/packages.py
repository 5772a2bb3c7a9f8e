"""Texts of named packages of a manifest, in bytes: for trials that ask which packages a model or a filter has read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

import numpy as np

from repro.corpora.texts.environment import END, EnvironmentDiffers
from repro.corpora.texts.manifest import manifest
from repro.corpora.texts.near_duplicates import near_copies
from repro.corpora.texts.source_files import read_source

BYTES = 256
TESTED = 5  # of a package in both splits every fifth document is in the test split


@dataclass(frozen=True, kw_only=True)
class Packages:
    """Source of packages in bytes, equally many of each package; a document that is a near copy is left out.

    A package that is named in both splits gives each fifth document to the test. Test documents are looked at first, so
    that no training document is a near copy of one.

    Fields: `manifest` and its text's `sha256`, which say which versions; `train` and `test` names of packages; `tokens`
    and `test_tokens` bytes of either split.
    """

    manifest: str
    sha256: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    tokens: int
    test_tokens: int

    @property
    def vocabulary(self) -> int:
        """One token per byte."""
        return BYTES

    @property
    def entropy(self) -> None:
        """Nobody knows it."""
        return None

    def draw(self, split: str) -> np.ndarray:
        """(tokens,) uint16 of "train" or "test", the packages one after another.

        Raises:
            EnvironmentDiffers: the packages here are not those of the manifest.
            ValueError: a package holds too little.
        """
        parts = self._parts()
        names, tokens = (self.train, self.tokens) if split == "train" else (self.test, self.test_tokens)
        each = tokens // len(names)
        drawn = [_bytes_of(name, parts[split, name], each) for name in names]
        return np.concatenate(drawn).astype(np.uint16)

    def _parts(self) -> dict[tuple[str, str], list[str]]:
        """The documents of each split and package."""
        found = documents_of(self.manifest, self.sha256, tuple(dict.fromkeys((*self.train, *self.test))))
        parts = {("test", name): list(found[name]) for name in self.test}
        parts |= {("train", name): list(found[name]) for name in self.train}
        for name in set(self.train) & set(self.test):
            parts["test", name] = [text for place, text in enumerate(found[name]) if place % TESTED == 0]
            parts["train", name] = [text for place, text in enumerate(found[name]) if place % TESTED]
        ordered = [(key, text) for key, texts in parts.items() for text in texts]
        kept: dict[tuple[str, str], list[str]] = {key: [] for key in parts}
        for (key, text), copy in zip(ordered, near_copies(text for _, text in ordered), strict=True):
            if not copy:
                kept[key].append(text)
        return kept


def packages(name: str, train: tuple[str, ...], test: tuple[str, ...], *, tokens: int, test_tokens: int) -> Packages:
    """A text of packages of a manifest, for a configuration."""
    return Packages(
        manifest=name, sha256=manifest(name).sha256, train=train, test=test, tokens=tokens, test_tokens=test_tokens
    )


@cache
def documents_of(name: str, digest: str, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The documents of packages of a manifest, near copies among them, in the order of the sha256 of their paths.

    Raises:
        EnvironmentDiffers: a package is not installed as the manifest has it, or the manifest's text is another now.
        ValueError: the manifest has no such package.
    """
    wanted = manifest(name)
    if wanted.sha256 != digest:
        raise EnvironmentDiffers(f"{name!r} has sha256 {wanted.sha256} in this version, and {digest} is asked for")
    known = {package.name: package for package in wanted.packages}
    if unknown := [one for one in names if one not in known]:
        raise ValueError(f"{name!r} has no packages {', '.join(unknown)}; its manifest names those that it has")
    return {one: _documents(one, known[one].sha256) for one in names}


def _documents(package: str, digest: str) -> tuple[str, ...]:
    source = read_source(package)
    if source is None or source.sha256 != digest:
        raise EnvironmentDiffers(
            f"{package} is not installed as its manifest has it; install the extras book, dev and training under "
            "constraints.txt"
        )
    named = sorted(
        (sha256(f"{package}/{path}".encode()).digest(), path, text) for path, text in source.documents.items()
    )
    return tuple(text for _, _, text in named)


def _bytes_of(name: str, documents: list[str], wanted: int) -> np.ndarray:
    """(wanted,) uint8 of the documents one after another, each ended by a zero."""
    whole = b"".join(text.encode() + END for text in documents)
    if len(whole) < wanted:
        raise ValueError(f"{wanted} bytes of {name} wanted, which holds {len(whole)}; ask for fewer")
    return np.frombuffer(whole[:wanted], dtype=np.uint8)
