"""The Python source of an installed package: which of its files are text that people wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import PurePosixPath

import numpy as np

# Other people's code inside a package, and files that differ between builds of one version: where it was built, a
# package's own __init__ (repaired Windows wheels add lines to it), numpy.distutils (gone from Python 3.12 on).
_VENDORED = re.compile(r"(^|/)(_?vendor(ed)?|_vendored\w*|third_?party\w*|externals?|extern)/")
_BUILD = re.compile(
    r"(^|/)(__config__|_?version(_\w+)?|_distributor_init\w*)\.py$|^[^/]+/__init__\.py$|^numpy/distutils/"
)
# Broad on purpose: the few files that only speak of generating fall with those that are generated.
_GENERATED = re.compile(
    r"auto-?\s?generated|automatically generated|generated (by|from|automatically)|do not edit", re.IGNORECASE
)
_HEAD = 1_000  # characters in which a generated file says that it is one
# Chen et al. 2021 (arXiv:2107.03374), section 3.1: what is too long or too little of letters is data.
_LONGEST_LINE = 1_000
_MEAN_LINE = 100
_LEAST_LETTERS = 0.25
_MOST_DIGITS = 0.2
_LETTERS = [byte for byte in range(256) if byte >= 128 or chr(byte).isalpha()]  # beyond ASCII all count as letters


@dataclass(frozen=True)
class Source:
    """One package's files: `version` installed, `documents` by path in the order of paths, `dropped` by reason."""

    version: str
    documents: dict[str, str]
    dropped: Counter[str]

    @property
    def sha256(self) -> str:
        """Over paths and contents, in the order of paths."""
        total = sha256()
        for path, text in self.documents.items():
            total.update(f"{path}\0{text}\0".encode())
        return total.hexdigest()

    @property
    def bytes(self) -> int:
        """UTF-8 bytes of all documents."""
        return sum(len(text.encode()) for text in self.documents.values())


def read_source(package: str) -> Source | None:
    """The source of an installed package; None where it is not installed."""
    version = installed_version(package)
    if version is None:
        return None
    documents, dropped = {}, Counter[str]()
    for path, raw in sorted(_python_files(distribution(package))):
        text = _decode(raw)
        reason = reason_to_drop(path, text)
        if reason:
            dropped[reason] += 1
        else:
            documents[path] = text
    return Source(version, documents, dropped)


def installed_version(package: str) -> str | None:
    """The version that is installed, without what tells a CPU build from a CUDA build; None where none is."""
    try:
        return distribution(package).version.partition("+")[0]
    except PackageNotFoundError:
        return None


def reason_to_drop(path: str, text: str) -> str:
    """Why a file is no text that people wrote; "" where it is."""
    if _VENDORED.search(path):
        return "vendored"
    if _BUILD.search(path):
        return "build"
    if _GENERATED.search(text[:_HEAD]):
        return "generated"
    lines = text.splitlines()
    if not text.strip() or "\0" in text or "\ufffd" in text:
        return "empty or not UTF-8"
    if max(map(len, lines)) > _LONGEST_LINE or len(text) > _MEAN_LINE * len(lines):
        return "data-like"
    counts = np.bincount(np.frombuffer(text.encode(), dtype=np.uint8), minlength=256)
    letters, digits = counts[_LETTERS].sum(), counts[ord("0") : ord("9") + 1].sum()
    if letters < _LEAST_LETTERS * counts.sum() or digits > _MOST_DIGITS * counts.sum():
        return "data-like"
    return ""


def _python_files(package: Distribution) -> Iterator[tuple[str, bytes]]:
    for file in package.files or []:
        path = PurePosixPath(file)
        if path.suffix == ".py" and ".." not in path.parts:
            yield str(path), file.read_binary()


def _decode(raw: bytes) -> str:
    """As text with line feeds alone; a byte that is no UTF-8 shows as U+FFFD."""
    return raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
