"""Vocabularies as measurements: text that they cut, and models that are trained on their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.floor.measurement import Numbers, measurement
from repro.tokens.trained.configurations import Cutting, ParallelCutting, VocabularyRun
from repro.training.short import AfterTraining, cost_of

if TYPE_CHECKING:
    from repro.models.transformer import Transformer


@measurement(version=1)
def cut_documents(config: Cutting, seed: int) -> Numbers:
    """Train a BPE on a text's first part, cut the documents of its second, and count its learned entries in the first.

    `tokens` and `bytes` of each held-out document. Of each piece of the training text: `seldom` the share of learned
    entries that it holds fewer times than the configuration says, `median_read` the times that it holds the median one.
    """
    from repro.tokens.trained.cuts import cut_text

    return cut_text(config)


@measurement(version=1)
def cut_languages(config: ParallelCutting, seed: int) -> Numbers:
    """Train a BPE on equally many sentences of several languages, and cut other sentences, the same in all of them.

    By the name of each language: tokens of each block of sentences.
    """
    from repro.tokens.trained.cuts import cut_parallel

    return cut_parallel(config)


@AfterTraining
def vocabulary_scores(model: Transformer, config: VocabularyRun, seed: int) -> Numbers:
    """What a model makes of held-out text, in bits per byte, and what became of its embedding.

    `bits_per_byte` over excerpts of every held-out document, the same bytes for every vocabulary; a token's loss is
    shared out evenly among its bytes, which gives `rare_bits` and `common_bits` per byte of words, beside how many such
    words there are. Of the learned entries: `seldom` and `unread` the shares that training read fewer times than the
    configuration says and never, `moved` the distance of their rows from where they began, a mean per tenth of them, the
    least-read first. `bytes_read` in training.
    """
    from repro.tokens.trained.reading import vocabulary_numbers

    return {**vocabulary_numbers(model, config, seed), **cost_of(config.run)}


@measurement(version=1, together=vocabulary_scores.together)
def train_vocabulary(config: VocabularyRun, seed: int) -> Numbers:
    """Train on a text in the tokens of one vocabulary, then read the model: `vocabulary_scores`.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    return vocabulary_scores.trial(config, seed)
