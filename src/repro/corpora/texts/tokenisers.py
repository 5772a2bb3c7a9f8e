"""Byte-level tokenisers, trained on a text and kept by its content."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repro.corpora.tables.tables import keep
from repro.corpora.texts.extras import needing_training
from repro.corpora.texts.packed import dtype_for
from repro.floor import places

if TYPE_CHECKING:
    from tokenizers import Tokenizer
END = "<|end|>"  # token 0; ends every document
SAMPLE_BYTES = 20_000_000  # of the training split, from its beginning, which is in random order
KINDS = ("bpe", "bpe with marks", "unigram")
_BATCH = 256
_RECIPE = 1  # raise when the training below changes


# GPT-2's cuts, but a combining mark belongs to its letter: half of the vowels of Indian scripts are marks.
_WITH_MARKS = r"'(?:[sdmt]|ll|ve|re)| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"


def sample_of(documents: Iterable[str], size: int = SAMPLE_BYTES) -> list[str]:
    """The documents that a tokeniser is trained on: the first until `size` bytes are reached."""
    sample, left = [], size
    for document in documents:
        sample.append(document)
        left -= len(document.encode())
        if left <= 0:
            break
    return sample


def tokeniser(sample: Sequence[str], vocabulary: int, *, kind: str = "bpe") -> Tokenizer:
    """A tokeniser of `vocabulary` tokens: END, the 256 bytes, and what it learns from the sample.

    Text is first cut as GPT-2 cuts it (words with their leading space, numbers, punctuation, runs of white space); no
    token crosses a cut.

    Args:
        kind: "bpe" learns merges; "bpe with marks" too, of text whose combining marks stay with their letters;
            "unigram" keeps the pieces that make the sample likeliest.

    Raises:
        ValueError: the vocabulary is too small for the bytes, the sample gives fewer tokens than asked for, or there is
            no such kind.

    Source: Sennrich et al. 2016 (arXiv:1508.07909); on bytes, Radford et al. 2019, section 2.2; Kudo 2018
    (arXiv:1804.10959).
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    with needing_training():
        from tokenizers import Tokenizer

    if vocabulary < 257:
        raise ValueError(f"a vocabulary of {vocabulary}; expected at least 257: 256 bytes and the end of a document")
    named = "" if kind == "bpe" else f"{kind} "
    key = sha256(f"{_RECIPE} {vocabulary} {named}".encode() + sha256("\0".join(sample).encode()).digest()).hexdigest()
    path = places.cache() / "tokenisers" / f"{key}.json"
    if not path.is_file():
        keep(_train(sample, vocabulary, kind).to_str().encode(), path)
    return Tokenizer.from_file(str(path))


def encode(tokeniser: Tokenizer, documents: Iterable[str]) -> Iterator[np.ndarray]:
    """The tokens of all documents, each ended by END, a batch of documents at a time, on all cores."""
    dtype = dtype_for(tokeniser.get_vocab_size())
    waiting = iter(documents)
    while batch := list(itertools.islice(waiting, _BATCH)):
        encoded = tokeniser.encode_batch_fast(batch, add_special_tokens=False)
        yield np.concatenate([np.array([*encoding.ids, 0], dtype=dtype) for encoding in encoded])


def bits_per_byte(nats_per_token: float, bytes_per_token: float) -> float:
    """Loss per byte of text instead of per token: comparable between tokenisers."""
    return nats_per_token / math.log(2) / bytes_per_token


def byte_lengths(tokeniser: Tokenizer) -> NDArray[np.int64]:
    """(V,) bytes of each token; END has none."""
    words = [tokeniser.id_to_token(number) or "" for number in range(tokeniser.get_vocab_size())]
    return np.array([0 if word == END else len(word) for word in words])  # a byte is spelled as one character


def _train(sample: Sequence[str], vocabulary: int, kind: str) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    learned = Tokenizer(models.Unigram() if kind == "unigram" else models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if kind == "bpe with marks":
        spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        learned.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(_WITH_MARKS), behavior="isolated"), spelled]
        )
    learned.decoder = decoders.ByteLevel()
    trainer = (trainers.UnigramTrainer if kind == "unigram" else trainers.BpeTrainer)(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learned.train_from_iterator(sample, trainer)
    if learned.get_vocab_size() != vocabulary:
        raise ValueError(
            f"the sample gave a vocabulary of {learned.get_vocab_size()}, not {vocabulary}: it holds too few pairs. "
            "Ask for a smaller vocabulary or give more text"
        )
    return learned
