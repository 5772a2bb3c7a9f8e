"""A reader's own vocabulary and text: named by sha256, kept in the cache, refused in one sentence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from repro.corpora import parallel
from repro.corpora.parallel import SPLITS
from repro.corpora.tables.tables import keep
from repro.corpora.vocabularies.configurations import Given, Text, named, text_of
from repro.corpora.vocabularies.encoders import encoder, read_ranks
from repro.corpora.vocabularies.published import Vocabulary, form_of_pattern, kept_at, pattern_of_entries
from repro.floor import places
from repro.floor.faults import fault

MOST_BYTES = 100 * 2**20
# The files of a folder that hold a vocabulary, by the order in which they are looked for.
FILES = ("tokenizer.json", "tekken.json", "*.tiktoken", "tokenizer.model", "*.model")


def given_vocabulary(name: str) -> Vocabulary:
    """The vocabulary of a name, a file or a folder; of a rank file, the pattern goes by the number of its entries.

    Raises:
        FileNotFoundError: nothing of this name, or a folder that holds no vocabulary.
        ValueError: a file that none of the libraries reads.
    """
    path = Path(name).expanduser()
    if not path.exists():
        try:
            return named(name)
        except ValueError as error:
            raise FileNotFoundError(f"{name} is no file or folder, and {error}") from error
    file = _file_in(path) if path.is_dir() else path
    content = _content(file)
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        reads, pattern = _kind(content)
        form = form_of_pattern().get(pattern, "")
        vocabulary = Vocabulary(name=path.name, sha256=sha256, reads=reads, pattern=pattern, form=form)
        keep(content, kept_at(sha256))
        encoder(vocabulary).ids("a")
    except (ValueError, KeyError, TypeError) as error:
        expected = "tokenizer.json, tekken.json, rank file or model of SentencePiece"
        raise ValueError(f"{file.name} is no {expected} that can be read: {fault(error)}") from error
    return vocabulary


def given_texts(name: str) -> list[Text]:
    """All languages of a parallel text, by its name, or a reader's own text, a file.

    Raises:
        FileNotFoundError, ValueError: as `given_text` does.
    """
    if name in SPLITS:
        return [text_of(name, language) for language in parallel.languages(name)]
    return [given_text(name)]


def given_text(name: str) -> Given:
    """A reader's own text, a file in UTF-8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no UTF-8, or no word in it.
    """
    path = Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{name} is no file; give a text file in UTF-8, or the name of a parallel text")
    content = _content(path)
    try:
        words = content.decode("utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if not words:
        raise ValueError(f"{path.name} holds no word; expected a text")
    sha256 = hashlib.sha256(content).hexdigest()
    keep(content, _text_at(sha256))
    return Given(sha256=sha256)


def lines_of(sha256: str) -> list[str]:
    """The lines of a given text that hold more than white space.

    Raises:
        FileNotFoundError: the cache no longer has it.
    """
    file = _text_at(sha256)
    if not file.is_file():
        raise FileNotFoundError(f"the text with sha256 {sha256[:12]}... is no longer kept; give its path again")
    return [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def _text_at(sha256: str) -> Path:
    return places.cache() / "given" / sha256


def _file_in(folder: Path) -> Path:
    for pattern in FILES:
        if found := sorted(folder.glob(pattern)):
            return found[0]
    raise FileNotFoundError(f"{folder} holds no {', '.join(FILES[:3])} or *.model; give the file itself")


def _content(file: Path) -> bytes:
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file.name} has more than {MOST_BYTES >> 20} MiB")
    return file.read_bytes()


def _kind(content: bytes) -> tuple[str, str]:
    """The format of the file, by its content and not by its name, and the pattern that goes with a rank file."""
    if content.lstrip()[:1] == b"{":
        parts = json.loads(content)
        return ("tekken" if "vocab" in parts and "config" in parts else "tokenizer.json"), ""
    try:
        entries = len(read_ranks(content))
    except ValueError:
        return "sentencepiece", ""
    if entries not in pattern_of_entries():
        known = ", ".join(f"{n:,} ({name})" for n, name in pattern_of_entries().items())
        raise ValueError(
            f"a rank file of {entries:,} entries does not say how text is cut first; known are those of {known}. "
            "Give the model's tokenizer.json instead"
        )
    return "ranks", pattern_of_entries()[entries]
