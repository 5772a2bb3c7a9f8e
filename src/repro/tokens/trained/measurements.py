"""Vocabularies as measurements: text that they cut, and models that are trained on their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.floor.measurement import Numbers, measurement
from repro.tokens.trained.configurations import Adding, Cutting, ParallelCutting, Swap, VocabularyRun
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
    configuration says and never, `moved` the distance of their rows from where they began, a mean per tenth of them,
    the least-read first. `bytes_read` in training.
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


@AfterTraining
def adding_scores(model: Transformer, config: Adding, seed: int) -> Numbers:
    """Sums that a model writes rightly, to the last token and its end, as shares of unseen ones.

    `right` of all; `longer` of those whose answer has a digit more than the summands, `equal` of the others.
    """
    from repro.abilities.prompts.reading import written

    sums = config.sums
    lines_BT, longer_B = sums.lines(config.items, "test")
    replies_BT = written(model, lines_BT[:, : sums.asked], sums.length - sums.asked)
    right_B = (replies_BT == lines_BT[:, sums.asked :]).all(axis=1)
    shares = {"right": right_B, "longer": right_B[longer_B], "equal": right_B[~longer_B]}
    return {**{name: float(part.mean()) for name, part in shares.items()}, "items": len(right_B), **cost_of(config.run)}


@measurement(version=1, together=adding_scores.together)
def add_numbers(config: Adding, seed: int) -> Numbers:
    """Train on sums whose numbers are cut in one way, and let the model answer unseen ones: `adding_scores`.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    return adding_scores.trial(config, seed)


@measurement(version=1)
def swap_tokeniser(config: Swap, seed: int) -> Numbers:
    """Train a decoder or take its weights, exchange its tokeniser, train on if asked to, and judge it on held-out text.

    `bits_per_byte` over excerpts of every held-out document, the same bytes whatever cuts them; `guess` the same of a
    model that finds all tokens equally likely; `steps` after the swap; `as_before` the share of the new tokeniser's
    entries that the old one has too.

    Raises:
        Diverged: a loss that is no number.
    """
    from repro.tokens.trained.swapping import swap_numbers

    return swap_numbers(config, seed)
