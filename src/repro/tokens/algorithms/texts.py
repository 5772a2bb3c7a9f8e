"""Texts for tokenisers: made-up lines, sentences of parallel corpora, and strings that nobody would write."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from repro.corpora.languages.zipf import Zipf
from repro.tokens.algorithms.configurations import MADE_UP, Lines

BLOCK = "▁"  # U+2581, which SentencePiece writes for a space
SURROGATES = range(0xD800, 0xE000)  # halves of characters; no text holds one
EVERY = [code for code in range(0x110000) if code not in SURROGATES]
# Scripts that no made-up line holds: Greek, Cyrillic, Hebrew, Devanagari, Thai, kana, Han, Hangul, pictures.
SCRIPTS = (
    *((0x3B1, 0x3C9), (0x430, 0x44F), (0x5D0, 0x5EA), (0x905, 0x939), (0xE01, 0xE2E), (0x3041, 0x3096)),
    *((0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF)),
)
# What tokenisers trip over: runs of white space, full-width forms, ligatures, marks that combine, invisible characters.
STUMBLES = ("  ", "   ", "\t", "\n", " ", "Ａ１", "①", "ﬁ", "²", "é", "\u200b", "\xa0", "\u3000", "ｶﾞ", "…", "Å")


def lines_of(config: Lines, seed: int) -> list[str]:
    """The lines of a configuration; a parallel corpus has the same at every seed."""
    if config.source == MADE_UP:
        return made_up(config.count, np.random.default_rng([seed, 1]))
    from repro.corpora.parallel import sentences

    return [line for language in config.languages for line in sentences(config.source, language)[: config.count]]


def made_up(count: int, rng: np.random.Generator) -> list[str]:
    """Lines of 6 to 14 made-up words whose counts follow Zipf's law, with capitals, commas, numbers and full stops."""
    syllables = [first + last for first in "bcdfghklmnprstvw" for last in "aeiou"]
    lengths = rng.integers(1, 5, size=1500)
    words = ["".join(rng.choice(syllables, size=length)) for length in lengths]
    written = []
    for length in rng.integers(6, 15, size=count):
        line = [words[index] for index in Zipf(len(words), 1.0).draw(rng, int(length))]
        line[0] = line[0].capitalize()
        if rng.random() < 0.3:
            line[2] = f"{rng.integers(1, 3000)},"
        written.append(" ".join(line) + ".")
    return written


def word_counts(lines: Iterable[str], mark: str = "") -> Counter[str]:
    """How often each word between white space occurs; `mark` stands before each."""
    return Counter(mark + word for line in lines for word in line.split())


def symbols_of(words: Mapping[str, int], continued: str = "") -> dict[tuple[str, ...], int]:
    """Words as their characters, one symbol each; `continued` stands before all but a word's first."""
    return {(word[0], *(continued + letter for letter in word[1:])): times for word, times in words.items()}


def every_code_point(length: int = 64) -> list[str]:
    """All characters that Unicode has room for, assigned or not, each once, in strings of `length`."""
    return ["".join(map(chr, EVERY[start : start + length])) for start in range(0, len(EVERY), length)]


def random_strings(count: int, rng: np.random.Generator) -> list[str]:
    """Strings of 1 to 30 characters, each of any plane of Unicode with equal probability per code point."""
    lengths = rng.integers(1, 31, size=count)
    codes = rng.integers(0, len(EVERY), size=int(lengths.sum()))
    ends = np.cumsum(lengths)
    return ["".join(chr(EVERY[code]) for code in codes[end - n : end]) for n, end in zip(lengths, ends, strict=True)]


def random_bytes(count: int, rng: np.random.Generator) -> list[bytes]:
    """Byte strings of 1 to 30 bytes that are no valid UTF-8."""
    made: list[bytes] = []
    while len(made) < count:
        drawn = rng.bytes(int(rng.integers(1, 31)))
        if drawn != drawn.decode(errors="replace").encode():
            made.append(drawn)
    return made


def unseen_characters(count: int, seen: Iterable[str], rng: np.random.Generator) -> list[str]:
    """Characters of nine scripts that are none of those seen, each once."""
    left = sorted({chr(code) for first, last in SCRIPTS for code in range(first, last + 1)} - set(seen))
    return [left[index] for index in rng.permutation(len(left))[:count]]


def unseen_words(count: int, alphabet: Iterable[str], seen: Iterable[str], rng: np.random.Generator) -> list[str]:
    """Words of 2 to 12 letters of the alphabet, none of which was seen."""
    letters, known = sorted(set(alphabet) & set(string.ascii_letters)), set(seen)
    made: list[str] = []
    while len(made) < count:
        word = "".join(rng.choice(letters, size=int(rng.integers(2, 13))))
        if word not in known:
            made.append(word)
    return made


def stumbling_texts(count: int, lines: list[str], rng: np.random.Generator) -> list[str]:
    """Lines, each with one to three stumbles put in anywhere, the two ends among the places."""
    made = []
    for index in rng.integers(0, len(lines), size=count):
        line = lines[index]
        for stumble in rng.choice(len(STUMBLES), size=int(rng.integers(1, 4))):
            at = int(rng.integers(0, len(line) + 1))
            line = line[:at] + STUMBLES[stumble] + line[at:]
        made.append(line)
    return made


def with_block(texts: Iterable[str], rng: np.random.Generator) -> list[str]:
    """Each text with the mark U+2581 put in somewhere."""
    made = []
    for text in texts:
        at = int(rng.integers(0, len(text) + 1))
        made.append(text[:at] + BLOCK + text[at:])
    return made


def few_words(types: int, rng: np.random.Generator) -> Counter[str]:
    """Words of two or three of six syllables, whose counts follow Zipf's law."""
    syllables = ["la", "no", "mi", "ta", "re", "su"]
    words: list[str] = []
    while len(words) < types:
        word = "".join(rng.choice(syllables, size=int(rng.integers(2, 4))))
        words += [word] if word not in words else []
    return Counter({word: round(60 / rank) for rank, word in enumerate(words, 1)})
