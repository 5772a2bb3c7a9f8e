"""The parts of a text, and what a vocabulary makes of them: the work behind the measurements."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from repro.corpora import parallel
from repro.corpora.tables.tables import load_table
from repro.corpora.texts import environment
from repro.corpora.texts.manifest import manifest
from repro.corpora.vocabularies.configurations import (
    NAMED,
    Given,
    LanguageTotals,
    Parallel,
    PlantedSentences,
    PublishedCounts,
    SampleWords,
    Text,
    WordCuts,
)
from repro.corpora.vocabularies.encoders import Encoder, Ranks, encoder
from repro.corpora.vocabularies.given import lines_of
from repro.corpora.vocabularies.ours import learned_merges
from repro.corpora.vocabularies.published import patterns

# The first letter of each script that the named languages are written in.
_SCRIPTS = {
    **{"Latn": "a", "Hans": "一", "Jpan": "あ", "Hang": "가", "Cyrl": "а", "Grek": "α", "Hebr": "א", "Arab": "ب"},
    **{"Deva": "क", "Taml": "க", "Thai": "ก", "Ethi": "ሀ", "Mymr": "က", "Olck": "ᱚ"},
}
_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_WORD = re.compile(r"(?<= )[a-z]+(?!\w)")


def parts_of(text: Text) -> list[str]:
    """Sentences in NFC, documents, or runs of lines."""
    if isinstance(text, Parallel):
        return list(parallel.sentences(text.name, text.language))
    if isinstance(text, PlantedSentences):
        return planted(text.language, text.sentences)
    if isinstance(text, Given):
        lines = lines_of(text.sha256)
        size = -(-len(lines) // text.parts)
        return ["\n".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    return python_documents(text.name, test=True)[: text.files]


def planted(language: str, sentences: int) -> list[str]:
    """Sentences of twelve made-up words in the letters of a script."""
    draw, first = random.Random(language), ord(_SCRIPTS[language.partition("_")[2]])
    letters = [chr(first + place) for place in range(16)]
    words = ["".join(draw.choices(letters, k=draw.randint(2, 8))) for _ in range(200)]
    return [" ".join(draw.choices(words, k=12)) for _ in range(sentences)]


def totals(config: LanguageTotals) -> Iterator[tuple[str, int, int]]:
    """(language, tokens, tokens that stand for what the vocabulary lacks) over both splits."""
    made = encoder(config.vocabulary)
    for language in NAMED if config.corpus == "planted" else parallel.languages("flores-dev"):
        if config.corpus == "planted":
            lines = planted(language, 24)
        else:
            lines = [line for name in ("flores-dev", "flores-devtest") for line in parallel.sentences(name, language)]
        found = [made.ids(line) for line in lines]
        unknown = sum(ids.count(made.unknown) for ids in found if made.unknown is not None)
        yield language, sum(map(len, found)), unknown


def against_published(config: PublishedCounts) -> Iterator[tuple[int, int]]:
    """(our count, the table's) of each language.

    The text is that of the table's authors: lines as the files have them, the empty last ones too, joined by one space.
    """
    made = encoder(config.vocabulary)
    if config.table is None:
        for text in (" ".join(planted(language, 24)) for language in NAMED):
            yield len(made.ids(text)), len(text)
        return
    table = load_table(config.table).set_index("Language")[config.column]
    for language in parallel.languages("flores-dev"):
        splits = [[*parallel.lines(name, language), ""] for name in ("flores-dev", "flores-devtest")]
        joined = " ".join(line for lines in splits for line in lines)
        yield len(made.ids(joined)), int(table[parallel.language_name("flores-dev", language)])


def cut_lengths(made: Encoder, word: str) -> list[int]:
    """Characters of each piece of a word; of a piece that splits a character, -1."""
    pieces = [piece.decode(errors="replace").removeprefix("##") for piece in made.pieces(word)]
    return [-1 if "\ufffd" in piece else len(piece) for piece in pieces]


def sample_cuts(config: SampleWords) -> dict[str, list[int]]:
    """The cuts of each word by its name, as lengths of the pieces."""
    made = encoder(config.vocabulary)
    return {word: cut_lengths(made, word) for word in config.words}


def random_numbers(count: int, longest: int, seed: int) -> list[str]:
    """Numbers without leading zeros."""
    draw = random.Random(seed)
    lengths = [draw.randint(1, longest) for _ in range(count)]
    return [str(draw.randrange(10 ** (n - 1) if n > 1 else 0, 10**n)) for n in lengths]


def python_documents(name: str, *, test: bool) -> list[str]:
    """The documents of one split of a text made of Python source."""
    known = manifest(name)
    whole = environment.text_of(known)
    return environment.documents(whole[known.train_bytes :] if test else whole[: known.train_bytes])


def prose_of(name: str, *, test: bool, documents: int) -> list[str]:
    """What stands in the docstrings of the training documents, as many as are asked for, or of all test documents."""
    if name == "planted":
        return planted("fra_Latn" if test else "eng_Latn", documents)
    read = python_documents(name, test=test)
    return docstrings(read if test else read[:documents])


def docstrings(documents: Sequence[str]) -> list[str]:
    """What stands between three double quotes."""
    return [found for document in documents for found in _DOCSTRING.findall(document)]


def words_of(texts: Sequence[str]) -> Counter[str]:
    """How often each word of small letters follows a space."""
    return Counter(word for text in texts for word in _WORD.findall(text))


def cut_words(config: WordCuts, seed: int) -> dict[str, int | list[int]]:
    """How words are cut, each with the space before it: the commonest, those that training lacks, and some by length.

    The commonest are also cut without the space, as they stand at the beginning of a line.
    """
    prose, other = (prose_of(config.name, test=test, documents=config.documents) for test in (False, True))
    known = words_of(prose)
    lacking = sorted(set(words_of(other)) - set(known))
    made = trained(prose, config.entries)
    common = [word for word, _ in known.most_common(config.common)]
    draw, chosen = random.Random(seed), []
    lacking = draw.sample(lacking, min(config.common, len(lacking)))
    for length in config.lengths:
        alike = sorted(word for word in known if len(word) == length)
        chosen += draw.sample(alike, min(config.each, len(alike)))
    return {
        "common": len(common),
        "common_whole": sum(tokens_of_word(made, word) == 1 for word in common),
        "opening_whole": sum(len(made.ids(word)) == 1 for word in common),
        "lacking": len(lacking),
        "lacking_broken": sum(tokens_of_word(made, word) > 1 for word in lacking),
        "length": [len(word) for word in chosen],
        "times": [known[word] for word in chosen],
        "tokens": [tokens_of_word(made, word) for word in chosen],
    }


def trained(texts: Sequence[str], entries: int) -> Ranks:
    """A byte-level BPE with GPT-2's pattern, trained on texts."""
    pieces = [bytes([byte]) for byte in range(256)]
    for left, right in learned_merges(texts, entries - 256, patterns()["gpt-2"]):
        pieces.append(pieces[left] + pieces[right])
    return Ranks({piece: rank for rank, piece in enumerate(pieces)}, patterns()["gpt-2"])


def tokens_of_word(made: Encoder, word: str) -> int:
    """Tokens of a word in the middle of a line."""
    return len(made.ids(f" {word}"))
