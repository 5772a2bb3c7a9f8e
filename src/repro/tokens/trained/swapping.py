"""A decoder whose tokeniser is exchanged: what becomes of its rows, and what training wins back.

Legend: V vocabulary, W width.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repro.corpora.texts.text import Tokens
from repro.corpora.texts.tokenisers import byte_lengths, encode, sample_of, tokeniser
from repro.models.transformer import Transformer
from repro.tokens.trained.configurations import Swap
from repro.tokens.trained.cuts import documents_of
from repro.tokens.trained.reading import byte_bits, excerpts
from repro.training.configurations import ORDER, Pretraining
from repro.training.loop import Trainer
from repro.training.run import finite, trained

Rows = list[list[int]]


def first_tokeniser(config: Swap) -> Any:
    """The BPE that the decoder was trained with."""
    return tokeniser(sample_of(documents_of(config.text)[0]), config.text.vocabulary)


def other_tokeniser(config: Swap) -> Any:
    """The unigram that takes its place."""
    train, _ = documents_of(config.text)
    return tokeniser(sample_of(train, config.learned), config.text.vocabulary, kind="unigram")


def pieces_of(entries: Any, bpe: Any) -> Rows:
    """(V,) lists: the numbers of the pieces into which a BPE cuts each entry of another tokeniser, END into itself."""
    words = [entries.id_to_token(number) for number in range(1, entries.get_vocab_size())]
    return [[0], *([piece.id for piece in bpe.model.tokenize(word)] for word in words)]


@torch.no_grad()
def with_averaged_rows(model: Transformer, pieces: Rows) -> None:
    """Set each row of embedding and output to the mean of the rows of its pieces, in place.

    Source: the plainest relative of Minixhofer et al. 2022 (arXiv:2112.06598), who find near entries by word vectors.
    """
    for matrix_VW in (model.embedding.weight, model.output.weight):
        matrix_VW.copy_(torch.stack([matrix_VW[row].mean(dim=0) for row in pieces]))


@torch.no_grad()
def renumbered(model: Transformer, order: NDArray[np.int64]) -> None:
    """Move the rows of embedding and output, in place, so that entry `order[i]` becomes number i."""
    for matrix_VW in (model.embedding.weight, model.output.weight):
        matrix_VW.copy_(matrix_VW[torch.from_numpy(order)])


@lru_cache(maxsize=1)
def _other_tokens(config: Swap) -> Tokens:
    """The text in the other tokeniser's tokens: as much of its training part as is read, and its test part."""
    train, test = documents_of(config.text)
    other, parts = other_tokeniser(config), (sample_of(train, config.read), test)
    tokens = [np.concatenate(list(encode(other, part))) for part in parts]
    return Tokens(tokens[0], tokens[1], config.text.vocabulary, None, None, sha256="")


def other_tokens(config: Swap) -> Tokens:
    """`_other_tokens`, made once for all ways, shares and rates."""
    return _other_tokens(replace(config, way="fresh", share=0.0, rate=1.0))


def trained_on(config: Swap, model: Transformer | None, seed: int) -> Transformer:
    """A model after its steps on the other tokens, from its weights or, without a model, from fresh ones."""
    batches = max(1, config.steps) * config.start.batch
    second: Pretraining = replace(config.start, readings=(batches,), schedule="constant")
    trainer = Trainer(second, seed + ORDER, other_tokens(config))
    if model is not None:
        trainer.raw.load_state_dict(model.state_dict())
    for step in range(config.steps):
        loss = trainer.step(step, config.rate_at(step))
    if config.steps:
        finite(float(loss), config.steps)
    return trainer.unwrapped().eval()


def swap_numbers(config: Swap, seed: int) -> dict[str, float | int]:
    """The numbers of `swap_tokeniser`."""
    bpe, other = first_tokeniser(config), other_tokeniser(config)
    model: Transformer | None = None if config.way == "fresh" else trained(config.start, seed)
    numbering = np.arange(config.text.vocabulary)
    if config.way == "averaged rows" and model is not None:
        with_averaged_rows(model, pieces_of(other, bpe))
    if config.way == "random rows" and model is not None:
        torch.manual_seed(seed + ORDER)
        fresh = Transformer(model.shape)
        model.embedding, model.output = fresh.embedding, fresh.output
    if config.way == "renumbered" and model is not None:
        numbering[1:] = 1 + np.random.default_rng(seed).permutation(len(numbering) - 1)
        renumbered(model, numbering)
    if config.share or model is None:
        model = trained_on(config, model, seed)
    cutter = bpe if config.way in ("kept", "renumbered") else other
    texts = excerpts(documents_of(config.text)[1], config.judged)
    bits = np.concatenate(byte_bits(model, texts, cutter, byte_lengths(cutter), np.argsort(numbering)))
    size = config.text.vocabulary
    return {
        "bits_per_byte": float(bits.mean()),
        "steps": config.steps,
        "as_before": sum(len(row) == 1 for row in pieces_of(other, bpe)[1:]) / (size - 1),
        "guess": math.log2(size) * sum(len(cutter.encode(text).ids) for text in texts) / len(bits),
    }
