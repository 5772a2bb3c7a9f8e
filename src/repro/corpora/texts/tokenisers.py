"""Byte-level BPE tokenisers, trained on a text and kept by its content."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from repro.corpora.tables.tables import keep
from repro.corpora.texts.extras import needing_training
from repro.corpora.texts.packed import dtype_for
from repro.floor import places

if TYPE_CHECKING:
    from tokenizers import Tokenizer
END = "<|end|>"  # token 0; ends every document
SAMPLE_BYTES = 20_000_000  # of the training split, from its beginning, which is in random order
_BATCH = 256
_RECIPE = 1  # raise when the training below changes


def sample_of(documents: Iterable[str]) -> list[str]:
    """The documents that a tokeniser is trained on: the first until SAMPLE_BYTES are reached."""
    sample, left = [], SAMPLE_BYTES
    for document in documents:
        sample.append(document)
        left -= len(document.encode())
        if left <= 0:
            break
    return sample


def tokeniser(sample: Sequence[str], vocabulary: int) -> Tokenizer:
    """A BPE of `vocabulary` tokens: END, the 256 bytes, and the merges learned from the sample.

    Text is cut before merging as GPT-2 cuts it (words with their leading space, numbers, punctuation, runs of white
    space); no token crosses a cut.

    Raises:
        ValueError: the vocabulary is too small for the bytes, or the sample gives fewer merges than asked for.

    Source: Sennrich et al. 2016 (arXiv:1508.07909); on bytes, Radford et al. 2019, section 2.2.
    """
    with needing_training():
        from tokenizers import Tokenizer

    if vocabulary < 257:
        raise ValueError(f"a vocabulary of {vocabulary}; expected at least 257: 256 bytes and the end of a document")
    key = sha256(f"{_RECIPE} {vocabulary} ".encode() + sha256("\0".join(sample).encode()).digest()).hexdigest()
    path = places.cache() / "tokenisers" / f"{key}.json"
    if not path.is_file():
        keep(_train(sample, vocabulary).to_str().encode(), path)
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


def _train(sample: Sequence[str], vocabulary: int) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(sample, trainer)
    if bpe.get_vocab_size() != vocabulary:
        raise ValueError(
            f"the sample gave a vocabulary of {bpe.get_vocab_size()}, not {vocabulary}: it holds too few pairs. Ask "
            "for a smaller vocabulary or give more text"
        )
    return bpe
