"""What vocabularies make of texts, words and numbers: counts alone, for the entries are their makers'."""

from __future__ import annotations

from repro.corpora.vocabularies.configurations import (
    LanguageTotals,
    PublishedCounts,
    RandomNumbers,
    SampleWords,
    TokenCounts,
    WordCuts,
)
from repro.floor.measurement import Numbers, measurement


@measurement(version=1)
def token_counts(config: TokenCounts, seed: int) -> Numbers:
    """Tokens of each part of a text, its characters, bytes and words; tokens that stand for what is lacking.

    Words are what white space parts.
    """
    from repro.corpora.vocabularies.counting import parts_of
    from repro.corpora.vocabularies.encoders import counts

    parts = parts_of(config.text)
    tokens, unknown = counts(config.vocabulary, parts)
    whole = "".join(parts)
    return {
        "tokens": tokens,
        "unknown": unknown,
        "characters": len(whole),
        "bytes": len(whole.encode()),
        "words": sum(len(part.split()) for part in parts),
    }


@measurement(version=1)
def language_totals(config: LanguageTotals, seed: int) -> Numbers:
    """Tokens of all sentences of each language, in NFC, and how many stand for what the vocabulary lacks."""
    from repro.corpora.vocabularies.counting import totals

    languages, tokens, unknown = zip(*totals(config), strict=True)
    return {"languages": [*languages], "tokens": [*tokens], "unknown": [*unknown]}


@measurement(version=1)
def published_counts(config: PublishedCounts, seed: int) -> Numbers:
    """Languages that we count, those whose count is not the table's, and the largest difference, as a share."""
    from repro.corpora.vocabularies.counting import against_published

    pairs = list(against_published(config))
    apart = [abs(ours - theirs) / theirs for ours, theirs in pairs]
    return {"languages": len(pairs), "differing": sum(one > 0 for one in apart), "largest": max(apart)}


@measurement(version=1)
def sample_words(config: SampleWords, seed: int) -> Numbers:
    """Characters of each piece of each word, in order, and whether the wanted entry is one."""
    from repro.corpora.vocabularies.counting import sample_cuts
    from repro.corpora.vocabularies.encoders import encoder

    return {**sample_cuts(config), "held": encoder(config.vocabulary).holds(config.entry.encode())}


@measurement(version=1)
def number_tokens(config: RandomNumbers, seed: int) -> Numbers:
    """Digits and tokens of each number; a token without a digit, the mark of a beginning, is left out."""
    from repro.corpora.vocabularies.counting import random_numbers
    from repro.corpora.vocabularies.encoders import encoder

    numbers, made = random_numbers(config.numbers, config.longest, seed), encoder(config.vocabulary)
    return {
        "digits": [len(number) for number in numbers],
        "tokens": [sum(map(bool, made.pieces(number))) for number in numbers],
    }


@measurement(version=1)
def word_cuts(config: WordCuts, seed: int) -> Numbers:
    """How many of the commonest words are whole, also at a line's beginning, and how many that are lacking are broken.

    Of words by length: the length, how often each occurs, and its tokens.
    """
    from repro.corpora.vocabularies.counting import cut_words

    return cut_words(config, seed)
