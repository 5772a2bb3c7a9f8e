"""What is counted: which vocabulary, on which text; and how words and numbers are chosen."""

from __future__ import annotations

from dataclasses import dataclass

from repro.corpora.parallel import SPLITS
from repro.corpora.parallel.files import corpora
from repro.corpora.tables.tables import TableId, table_id
from repro.corpora.texts.manifest import manifest
from repro.corpora.vocabularies.ours import our_vocabularies, our_vocabulary
from repro.corpora.vocabularies.published import Vocabulary, published

UNITS = ("bytes", "characters")
# The languages that a figure names: English first, then from the cheapest scripts of FLORES-200 to its dearest.
NAMED = (
    *("eng_Latn", "spa_Latn", "por_Latn", "fra_Latn", "deu_Latn", "vie_Latn", "swh_Latn", "tur_Latn", "zho_Hans"),
    *("jpn_Jpan", "kor_Hang", "rus_Cyrl", "ell_Grek", "heb_Hebr", "arb_Arab", "hin_Deva", "tam_Taml", "tha_Thai"),
    *("amh_Ethi", "mya_Mymr", "sat_Olck", "shn_Mymr"),
)


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """A language of a parallel text, by the sha256 of its file."""

    name: str
    language: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class PlantedSentences:
    """Made-up sentences in the letters of a language's script, for machines without parallel texts."""

    language: str
    sentences: int


@dataclass(frozen=True, kw_only=True)
class PythonFiles:
    """The first `files` held-out documents of a text made of Python source, by the sha256 of the whole text."""

    name: str
    sha256: str
    files: int


@dataclass(frozen=True, kw_only=True)
class Given:
    """A reader's own text, by its sha256; its parts are runs of neighbouring lines, at most `parts` of them."""

    sha256: str
    parts: int = 200


Text = Parallel | PlantedSentences | PythonFiles | Given


@dataclass(frozen=True, kw_only=True)
class TokenCounts:
    """A vocabulary on the parts of a text: sentences, documents or runs of lines."""

    vocabulary: Vocabulary
    text: Text


@dataclass(frozen=True, kw_only=True)
class LanguageTotals:
    """A vocabulary on all languages of FLORES-200 (`corpus`, at its commit), or of the planted ones ("planted")."""

    vocabulary: Vocabulary
    corpus: str = "flores-200"
    commit: str


@dataclass(frozen=True, kw_only=True)
class PublishedCounts:
    """A vocabulary against a column of a published table of counts of FLORES-200 at its commit.

    Without a table, the planted languages are counted, and what is published of them is their characters.
    """

    vocabulary: Vocabulary
    table: TableId | None = None
    column: str = ""
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class SampleWords:
    """Words of which the cuts are wanted, and an entry that is looked for."""

    vocabulary: Vocabulary
    words: tuple[str, ...]
    entry: str


@dataclass(frozen=True, kw_only=True)
class RandomNumbers:
    """Whole numbers of one to `longest` digits, all lengths alike often, drawn by the seed."""

    vocabulary: Vocabulary
    numbers: int
    longest: int


@dataclass(frozen=True, kw_only=True)
class WordCuts:
    """Words of Python's docstrings under a BPE of `entries` that was trained on them; of "planted", made-up words.

    Fields: `documents` of the training split that are read, and all of the test split, for words that training lacks;
    `common` the commonest words that are looked at, and as many that are lacking; `lengths` of words that are compared
    with one another, `each` as many of them, drawn by the seed.
    """

    name: str
    sha256: str
    documents: int
    entries: int
    common: int
    lengths: tuple[int, ...]
    each: int


def named(name: str) -> Vocabulary:
    """A vocabulary by name: published, ours, or the units "bytes" and "characters".

    Raises:
        ValueError: there is no vocabulary of this name.
    """
    if name in published():
        return published()[name].vocabulary
    if name in our_vocabularies():
        return our_vocabulary(name)
    if name in UNITS:
        return Vocabulary(name=name, sha256="", reads="units")
    known = ", ".join([*published(), *our_vocabularies(), *UNITS])
    raise ValueError(f"no vocabulary is named {name!r}; expected one of {known}")


def text_of(name: str, language: str, planted: int = 24) -> Text:
    """A language of a parallel text, or of "planted" with so many sentences.

    Raises:
        ValueError: no such text, or it lacks the language.
    """
    if name == "planted":
        return PlantedSentences(language=language, sentences=planted)
    if name not in SPLITS:
        raise ValueError(f"no parallel text is named {name!r}; expected one of {', '.join(SPLITS)}")
    files, path = corpora()[SPLITS[name].corpus].files, SPLITS[name].path.format(language)
    if path not in files:
        raise ValueError(f"{name} has no language {language!r}")
    return Parallel(name=name, language=language, sha256=files[path])


def all_languages(vocabulary: str, name: str) -> LanguageTotals:
    """A vocabulary on every language of FLORES-200, or on the planted ones."""
    if name == "planted":
        return LanguageTotals(vocabulary=named(vocabulary), corpus="planted", commit="")
    return LanguageTotals(vocabulary=named(vocabulary), commit=corpora()["flores-200"].commit)


def held_against(vocabulary: str, table: str, column: str) -> PublishedCounts:
    """A vocabulary against a column of a table of `repro data list`; without a table, against planted counts."""
    if not table:
        return PublishedCounts(vocabulary=named(vocabulary))
    commit = corpora()["flores-200"].commit
    return PublishedCounts(vocabulary=named(vocabulary), table=table_id(table), column=column, commit=commit)


def python_files(name: str, files: int) -> Text:
    """Held-out documents of a text of `repro data list`, or so many planted sentences."""
    if name == "planted":
        return PlantedSentences(language="eng_Latn", sentences=files)
    return PythonFiles(name=name, sha256=manifest(name).sha256, files=files)


def words_by_frequency(name: str, entries: int, **rest: int | tuple[int, ...]) -> WordCuts:
    """Words of a text of `repro data list` or planted ones, under a BPE of so many entries."""
    sha256 = "" if name == "planted" else manifest(name).sha256
    return WordCuts(name=name, sha256=sha256, entries=entries, **rest)  # type: ignore[arg-type]
