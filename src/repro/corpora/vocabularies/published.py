"""Published vocabularies by name and sha256: which package ships each, and where this machine has the file."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from repro.floor import places

READS = ("ranks", "tekken", "tokenizer.json", "sentencepiece")


class VocabularyMissing(FileNotFoundError):
    """No folder holds the vocabulary's file."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """A vocabulary in a configuration: its file by sha256, and what the file does not say.

    Fields: `reads` the file's format; `pattern` the name of the pattern that cuts text first, `below` the rank at which
    a rank file ends (0: at its end), `form` the Unicode form that text is given first ("": as it comes). `units` and a
    vocabulary of ours need no file, and their sha256 is empty or that of their merges.
    """

    name: str
    sha256: str
    reads: str
    pattern: str = ""
    below: int = 0
    form: str = ""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One entry of the manifest (published.toml), where the fields are explained."""

    name: str
    title: str
    maker: str
    year: int
    package: str
    version: str
    member: str
    licence: str
    vocabulary: Vocabulary


@cache
def published() -> dict[str, Published]:
    """All published vocabularies by name, in the manifest's order."""
    return {name: _published(name, dict(entry)) for name, entry in tomllib.loads(_text("published.toml")).items()}


@cache
def patterns() -> dict[str, str]:
    """The regular expressions that cut text before merges, by name."""
    return {name: str(entry["pattern"]) for name, entry in tomllib.loads(_text("patterns.toml")).items()}


@cache
def pattern_of_entries() -> dict[int, str]:
    """The name of the pattern that goes with a rank file of so many entries."""
    return {n: name for name, entry in tomllib.loads(_text("patterns.toml")).items() for n in entry["entries"]}


@cache
def form_of_pattern() -> dict[str, str]:
    """The Unicode form that goes with a pattern, "" for none."""
    return {name: str(entry.get("form", "")) for name, entry in tomllib.loads(_text("patterns.toml")).items()}


def vocabulary_file(vocabulary: Vocabulary) -> Path:
    """The file of a vocabulary: from a folder of REPRO_DATA or the cache, by its sha256.

    Raises:
        VocabularyMissing: nobody holds these bytes; the message gives the command that fetches them.
    """
    tried = [folder / "vocabularies" / vocabulary.sha256 for folder in places.data_folders()]
    for file in [*tried, kept_at(vocabulary.sha256)]:
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == vocabulary.sha256:
            return file
    name = vocabulary.name
    how = f"Run: repro data fetch {name}" if name in published() else "Give its path again"
    raise VocabularyMissing(
        f"the vocabulary {name} (sha256 {vocabulary.sha256[:12]}...) is not at hand: no folder of REPRO_DATA holds "
        f"vocabularies/{vocabulary.sha256[:12]}..., nor does {kept_at('')}. {how}"
    )


def kept_at(sha256: str) -> Path:
    """Where the cache keeps the vocabulary of these bytes."""
    return places.cache() / "vocabularies" / sha256


def _text(name: str) -> str:
    return resources.files("repro.corpora.vocabularies").joinpath(name).read_text(encoding="utf-8")


def _published(name: str, entry: dict[str, object]) -> Published:
    fields: dict[str, object] = {
        field: entry.pop(field) for field in ("sha256", "reads", "pattern", "below") if field in entry
    }
    fields["form"] = form_of_pattern().get(str(fields.get("pattern", "")), "")
    return Published(name=name, vocabulary=Vocabulary(name=name, **fields), **entry)  # type: ignore[arg-type]
