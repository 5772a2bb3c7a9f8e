"""Which files a parallel corpus is made of, each by its sha256, and where this machine has them."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from repro.floor import places

NAMES = ("flores-200", "udhr")


class ParallelMissing(FileNotFoundError):
    """No folder holds the file."""


class ParallelWrong(ValueError):
    """A file bears the right name and other bytes."""


@dataclass(frozen=True)
class Corpus:
    """One parallel corpus: `files` gives the sha256 of each path, `folder` stands before the path at the origin."""

    name: str
    repository: str
    commit: str
    folder: str
    licence: str
    about: str
    languages: dict[str, str]
    files: dict[str, str]

    @property
    def origin(self) -> str:
        """Repository and commit, as a reader may look them up."""
        return f"https://github.com/{self.repository}/tree/{self.commit}"


@cache
def corpora() -> dict[str, Corpus]:
    """All parallel corpora by name."""
    return {name: _corpus(name, tomllib.loads(_manifest(name))) for name in NAMES}


def find_file(corpus: Corpus, path: str) -> Path:
    """The file of this path, from a folder of REPRO_DATA or from the cache, compared by sha256.

    Raises:
        ParallelWrong: a folder holds other bytes under this name.
        ParallelMissing: nobody holds it; the message gives the command that fetches it.
    """
    for file in _candidates(corpus, path):
        if file.is_file():
            _check(corpus, path, file)
            return file
    looked = ", ".join(str(file) for file in _candidates(corpus, path))
    raise ParallelMissing(
        f"{path} of the parallel text {corpus.name} is not at hand: looked for {looked}. "
        f"Run: repro data fetch {corpus.name}   or set REPRO_DATA to a folder that holds {corpus.name}/{path}"
    )


def kept_at(corpus: Corpus, path: str) -> Path:
    """Where the cache keeps a file of a corpus."""
    return places.cache() / "parallel" / corpus.name / path


def _candidates(corpus: Corpus, path: str) -> list[Path]:
    return [*(folder / corpus.name / path for folder in places.data_folders()), kept_at(corpus, path)]


def _check(corpus: Corpus, path: str, file: Path) -> None:
    got = hashlib.sha256(file.read_bytes()).hexdigest()
    if got != corpus.files[path]:
        raise ParallelWrong(
            f"{file} has sha256 {got}; {corpus.name} has {corpus.files[path]} there. Remove the file, or take its "
            f"folder out of REPRO_DATA, and run: repro data fetch {corpus.name}"
        )


def _manifest(name: str) -> str:
    return resources.files("repro.corpora.parallel").joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _corpus(name: str, entry: dict[str, Any]) -> Corpus:
    return Corpus(name=name, files=entry.pop("sha256"), **entry)
