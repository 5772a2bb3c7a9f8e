"""Text cut by tokenisers that are trained here: how many tokens it takes, and how often each entry is read."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.corpora.parallel import sentences
from repro.corpora.texts.environment import Environment
from repro.corpora.texts.text import splits_of
from repro.corpora.texts.tokenisers import encode, sample_of, tokeniser
from repro.tokens.trained.configurations import FIRST_LEARNED, PLANTED, Cutting, ParallelCutting

WORD = re.compile(rb"[A-Za-z]{4,}")


@lru_cache(maxsize=1)
def _splits(manifest: str, sha256: str) -> tuple[list[str], list[str]]:
    return splits_of(Environment(manifest=manifest, sha256=sha256))


def documents_of(text: Environment) -> tuple[list[str], list[str]]:
    """The documents of training and of the test; they are the same for every vocabulary."""
    return _splits(text.manifest, text.sha256)


@lru_cache(maxsize=1)
def word_counts(manifest: str, sha256: str) -> Counter[bytes]:
    """How often the training text holds each word of four letters or more."""
    train, _ = _splits(manifest, sha256)
    return Counter(itertools.chain.from_iterable(WORD.findall(document.encode()) for document in train))


def cut_text(config: Cutting) -> dict[str, float | list[float] | list[int]]:
    """The numbers of `cut_documents`."""
    train, test = documents_of(config.text)
    bpe = tokeniser(sample_of(train), config.text.vocabulary)
    read = [_learned_counts(bpe, piece, config.text.vocabulary) for piece in _pieces(train, config)]
    return {
        "tokens": [len(encoding.ids) for encoding in bpe.encode_batch_fast(test, add_special_tokens=False)],
        "bytes": [len(document.encode()) for document in test],
        "seldom": [float((counts < config.seldom).mean()) for counts in read],
        "median_read": [float(np.median(counts)) for counts in read],
    }


def _pieces(train: Sequence[str], config: Cutting) -> Iterator[list[str]]:
    waiting = iter(train)
    for _ in range(config.pieces):
        yield sample_of(waiting, config.piece)


def _learned_counts(bpe: Any, documents: Sequence[str], vocabulary: int) -> NDArray[np.int64]:
    """(learned entries,) how often each is read in some documents."""
    tokens = np.concatenate(list(encode(bpe, documents)))
    return np.bincount(tokens, minlength=vocabulary)[FIRST_LEARNED:]


def cut_parallel(config: ParallelCutting) -> dict[str, list[int] | list[str]]:
    """The numbers of `cut_languages`."""
    learned = [line for language in config.languages for line in _sentences(config.source, "dev", language)]
    bpe = tokeniser(learned, config.vocabulary, kind=config.kind)
    numbers: dict[str, list[int] | list[str]] = {"languages": list(config.languages)}
    for language in config.languages:
        lines = list(_sentences(config.source, "devtest", language))
        counts = np.array([len(encoding.ids) for encoding in bpe.encode_batch_fast(lines, add_special_tokens=False)])
        numbers[language] = [int(block.sum()) for block in np.array_split(counts, config.blocks)]
    return numbers


def _sentences(source: str, split: str, language: str) -> tuple[str, ...]:
    return planted_sentences(split, language) if source == PLANTED else sentences(f"flores-{split}", language)


def planted_sentences(split: str, language: str, count: int = 400) -> tuple[str, ...]:
    """Sentences of made-up words, the same in every language.

    In "marked" a combining mark stands after each letter, in "backwards" a word's last letter comes first.
    """
    rng = np.random.default_rng(0)
    spelled = [rng.integers(20, size=rng.integers(2, 8)).tolist() for _ in range(300)]
    if language == "marked":
        words = ["".join(chr(0x5D0 + letter) + chr(0x5B0 + letter % 8) for letter in word) for word in spelled]
    else:
        step = -1 if language == "backwards" else 1
        words = ["".join(chr(ord("a") + letter) for letter in word[::step]) for word in spelled]
    drawn = np.random.default_rng([1, len(split)]).zipf(1.3, size=(count, 8)) % len(words)
    return tuple(" ".join(words[number] for number in line) for line in drawn)
