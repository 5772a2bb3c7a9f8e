"""What a model trained on one vocabulary's tokens does with text, byte by byte, and what became of its rows.

Legend: N windows, T time, V vocabulary, W width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from repro.corpora.texts.text import tokens_of
from repro.corpora.texts.tokenisers import byte_lengths, sample_of, tokeniser
from repro.floor.arrays import Array
from repro.models.transformer import Transformer
from repro.tokens.trained.configurations import FIRST_LEARNED, VocabularyRun
from repro.tokens.trained.cuts import WORD, documents_of, word_counts
from repro.training.windows import WindowOrder

READ = 16  # windows of a forward pass: 16,384 logits per token are many
TENTHS = 10


def excerpts(test: Sequence[str], characters: int) -> list[str]:
    """So many characters from the middle of each document; all of a shorter one."""
    starts = [max(0, (len(document) - characters) // 2) for document in test]
    return [document[start : start + characters] for document, start in zip(test, starts, strict=True)]


@torch.no_grad()
def token_nats(model: Transformer, ids: NDArray[np.int64]) -> Array:
    """(len(ids) - 1,) the loss of each token after the first, read in windows that do not overlap."""
    time = model.shape.context
    wanted = len(ids) - 1
    padded = np.zeros(-(-wanted // time) * time + 1, dtype=np.int64)
    padded[: len(ids)] = ids
    inputs_NT, targets_NT = (torch.from_numpy(part.reshape(-1, time)) for part in (padded[:-1], padded[1:]))
    device = next(model.parameters()).device
    losses = [
        F.cross_entropy(model(inputs.to(device)).flatten(0, 1).double(), targets.to(device).flatten(), reduction="none")
        for inputs, targets in zip(inputs_NT.split(READ), targets_NT.split(READ), strict=True)
    ]
    nats: Array = torch.cat(losses).cpu().numpy()[:wanted]
    return nats


def byte_bits(
    model: Transformer,
    texts: Sequence[str],
    cutter: Any,
    lengths: NDArray[np.int64],
    numbers: NDArray[np.int64] | None = None,
) -> list[Array]:
    """(bytes,) for each text the bits of each byte: those of its token, shared out evenly among the token's bytes.

    Args:
        cutter: the tokeniser.
        lengths: (V,) bytes of each of its tokens.
        numbers: (V,) by which number the model knows each of its tokens, where that is another.
    """
    bits = []
    for text in texts:
        ids = np.array([0, *cutter.encode(text, add_special_tokens=False).ids])
        sizes = lengths[ids[1:]]
        nats = token_nats(model, ids if numbers is None else numbers[ids])
        bits.append(np.repeat(nats / math.log(2) / sizes, sizes))
    return bits


def word_bits(
    texts: Sequence[str], bits: Sequence[Array], counts: dict[bytes, int], *, least: int, most: float
) -> tuple[float, int]:
    """Bits per byte in the words that the training text holds so many times, and how many words of the texts those are.

    Raises:
        ValueError: the texts hold no such word.
    """
    spans = [
        per_byte[word.start() : word.end()]
        for text, per_byte in zip(texts, bits, strict=True)
        for word in WORD.finditer(text.encode())
        if least <= counts.get(word.group(), 0) <= most
    ]
    if not spans:
        raise ValueError(f"no word of the judged text is held {least} to {most} times; judge more characters")
    return float(np.concatenate(spans).mean()), len(spans)


def rows_read(config: VocabularyRun, seed: int) -> NDArray[np.int64]:
    """(V,) how often a run reads each row of its embedding."""
    run = config.run
    order = WindowOrder(tokens_of(run.text).train, time=run.model.context, seed=seed)
    counts = np.zeros(run.model.vocabulary, dtype=np.int64)
    for step in range(run.steps(run.readings[-1])):
        inputs, _ = order.batch(step, run.sequences)
        counts += np.bincount(inputs.ravel(), minlength=len(counts))
    return counts


@torch.no_grad()
def rows_moved(model: Transformer, seed: int) -> Array:
    """(V,) the distance of each row of the embedding from where the seed had drawn it."""
    torch.manual_seed(seed)
    start_VW = Transformer(model.shape).embedding.weight
    moved: Array = (model.embedding.weight.cpu() - start_VW).norm(dim=1).double().numpy()
    return moved


def vocabulary_numbers(model: Transformer, config: VocabularyRun, seed: int) -> dict[str, float | int | list[float]]:
    """The numbers of `vocabulary_scores`."""
    train, test = documents_of(config.text)
    bpe = tokeniser(sample_of(train), config.text.vocabulary)
    texts, counts = excerpts(test, config.judged), word_counts(config.text.manifest, config.text.sha256)
    lengths = byte_lengths(bpe)
    bits = byte_bits(model, texts, bpe, lengths)
    rare, rare_words = word_bits(texts, bits, counts, least=0, most=config.rare)
    common, common_words = word_bits(texts, bits, counts, least=config.common, most=math.inf)
    read = rows_read(config, seed)
    learned, moved = read[FIRST_LEARNED:], rows_moved(model, seed)[FIRST_LEARNED:]
    tenths = np.array_split(moved[np.argsort(learned, kind="stable")], TENTHS)
    return {
        "bits_per_byte": float(np.concatenate(bits).mean()),
        "rare_bits": rare,
        "common_bits": common,
        "rare_words": rare_words,
        "common_words": common_words,
        "seldom": float((learned < config.seldom).mean()),
        "unread": float((learned == 0).mean()),
        "moved": [float(tenth.mean()) for tenth in tenths],
        "bytes_read": int(read @ lengths),
    }
