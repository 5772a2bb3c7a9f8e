"""What trials of tokenisers' algorithms are of: lines to learn from, texts to cut, and how many of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MADE_UP = "made-up"
TRAINED = "trained here"  # a rank file of our own, beside published ones
# How GPT-2 cuts a text first: by letters (L), numbers (N) and the rest; openai/gpt-2, src/encoder.py
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SPECIALS = ("<|endoftext|>", "[CLS]", "[SEP]", "<s>", "</s>")


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines of text: made up, or the first sentences of a parallel corpus in some languages.

    Fields: `source` "made-up" or a corpus of `repro.corpora.parallel`; `languages` of that corpus; `count` lines per
    language; `sha256` of the corpus' files, which name the data.

    Raises:
        ValueError: a corpus without languages, or made-up lines in one.
    """

    source: str = MADE_UP
    languages: tuple[str, ...] = ()
    count: int = 400
    sha256: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.source == MADE_UP) == bool(self.languages) or self.count < 1:
            raise ValueError(
                f"{self.count} lines of {self.source!r} in {self.languages}; give 1 or more, made up or in languages"
            )


@dataclass(frozen=True, kw_only=True)
class Training:
    """A vocabulary that is learned from words of `lines` by `steps` merges."""

    lines: Lines
    steps: int


@dataclass(frozen=True, kw_only=True)
class Toy:
    """Words and how often each occurs, small enough to follow every order of merges; `steps` merges."""

    words: tuple[tuple[str, int], ...]
    steps: int = 2


@dataclass(frozen=True, kw_only=True)
class Strings:
    """A byte-pair vocabulary of `steps` merges learned from `lines`, and `strings` to cut of each kind.

    Fields: `others` lines of other languages that are cut as well.
    """

    lines: Lines
    steps: int
    strings: int
    others: Lines | None = None


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A SentencePiece vocabulary of `vocabulary` pieces learned from `lines`, and `strings` to cut of each kind."""

    lines: Lines
    vocabulary: int
    strings: int


@dataclass(frozen=True, kw_only=True)
class Unspaced:
    """A SentencePiece vocabulary learned from `lines` of one language, which cuts `held`, lines that it never read."""

    lines: Lines
    held: Lines
    vocabulary: int


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """A byte-level vocabulary, which cuts `held`: a published rank file by its sha256, or one of our own.

    Fields: `name` "trained here", by `steps` merges of `lines`, or what the file is known by; `pattern` the regular
    expression that cuts first, and `below` the rank at which the file ends, 0 for its end: neither stands in the file.
    """

    held: Lines
    lines: Lines
    name: str = TRAINED
    sha256: str = ""
    pattern: str = GPT2_PATTERN
    below: int = 0
    steps: int = 600


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """SentencePiece's unigram trainer, given `candidates` pieces longer than a character, of which it keeps a share.

    Fields: `kept` the share of candidates in the vocabulary asked for; `draws` random choices of as many.

    Raises:
        ValueError: all or none kept.
    """

    lines: Lines
    candidates: int = 1000
    kept: float = 0.6
    draws: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.kept < 1:
            raise ValueError(f"a share of {self.kept} kept; expected one between 0 and 1, such as 0.6")


@dataclass(frozen=True, kw_only=True)
class SmallPruning:
    """Made-up words so few that each set of pieces that might be removed is tried.

    Fields: `types` different words, `candidates` pieces longer than a character, of which `removed` go.
    """

    types: int = 20
    candidates: int = 12
    removed: int = 6


@dataclass(frozen=True, kw_only=True)
class Alphabet:
    """The `size` commonest characters of `lines`, and those of `held` that are none of them."""

    lines: Lines
    held: Lines
    size: int = 100


def lines_in(languages: str | Sequence[str], count: int, *, held: bool = False) -> Lines:
    """The first `count` sentences of FLORES-200 in each language, to learn from or to hold, or as many made-up lines.

    Args:
        languages: "made-up", or names as FLORES-200 has them, such as eng_Latn.
        held: from the part that nothing is learned from.
    """
    named = (languages,) if isinstance(languages, str) else tuple(languages)
    if named == (MADE_UP,):
        return Lines(count=count)
    from repro.corpora.parallel import SPLITS
    from repro.corpora.parallel.files import corpora

    source = "flores-devtest" if held else "flores-dev"
    split = SPLITS[source]
    files = corpora()[split.corpus].files
    return Lines(source=source, languages=named, count=count, sha256=tuple(files[split.path.format(n)] for n in named))


def ranks_named(name: str, held: Lines, lines: Lines, steps: int) -> Ranks:
    """A published rank file by name, or the one that is trained here on `lines`."""
    if name == TRAINED:
        return Ranks(held=held, lines=lines, steps=steps)
    from repro.corpora.vocabularies.published import patterns, published

    file = published()[name].vocabulary
    pattern = patterns()[file.pattern]
    return Ranks(held=held, lines=lines, steps=0, name=name, sha256=file.sha256, pattern=pattern, below=file.below)
