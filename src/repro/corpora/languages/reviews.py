"""A made-up language of short reviews, whose feeling is known exactly, so that their worth needs no labeller.

A review is the start token and a noun (the prompt), then a few sentences of four words each, three unless said
otherwise. A hidden feeling, good or bad, decides how likely each adjective and verb is. Words weigh less in a longer
review, so that as much is known of its feeling. Legend: N reviews, T time with the prompt, R time of the reply.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Tokens

NOUNS = [
    "film",
    "book",
    "song",
    "play",
    "game",
    "meal",
    "hotel",
    "tour",
    "phone",
    "lamp",
    "chair",
    "coat",
    "train",
    "class",
    "show",
    "story",
    "dance",
    "poem",
    "cake",
    "garden",
]
FIXED = ["it", "is", "its", "i"]
ADVERBS = ["very", "quite", "rather", "truly"]
PARTS = ["start", "end", "sound", "look", "price", "staff"]
ADJECTIVES = [
    "dreadful",
    "awful",
    "boring",
    "poor",
    "weak",
    "dull",
    "flat",
    "odd",
    "plain",
    "neat",
    "nice",
    "warm",
    "lovely",
    "great",
    "superb",
    "perfect",
]
VERBS = ["hated", "disliked", "endured", "doubted", "noticed", "liked", "enjoyed", "loved"]
WORDS = ["<s>", *NOUNS, *FIXED, *ADVERBS, *PARTS, *ADJECTIVES, *VERBS]
ASKED, SENTENCES, SENTENCE = 2, 3, 4  # tokens of a prompt, sentences of a reply, words of a sentence
REPLY = SENTENCES * SENTENCE
NEAR = 3  # sentences in which no adjective comes twice
KINDS = ((["it"], ["is"], ADVERBS, ADJECTIVES), (["its"], PARTS, ["is"], ADJECTIVES), (["i"], VERBS, ["its"], PARTS))
FEELING_PER_ADJECTIVE, FEELING_PER_VERB = 1.8, 1.5  # log-odds of good against bad that the strongest word gives
_NUMBER = {word: number for number, word in enumerate(WORDS)}
LOG_ODDS = np.zeros(len(WORDS))  # in a review of three sentences
LOG_ODDS[[_NUMBER[word] for word in ADJECTIVES]] = np.linspace(-1, 1, len(ADJECTIVES)) * FEELING_PER_ADJECTIVE
LOG_ODDS[[_NUMBER[word] for word in VERBS]] = np.linspace(-1, 1, len(VERBS)) * FEELING_PER_VERB
_ADJECTIVE = np.isin(np.arange(len(WORDS)), [_NUMBER[word] for word in ADJECTIVES])


def log_odds(sentences: int) -> NDArray[np.float64]:
    """(V,) log-odds of good against bad that each word gives in a review of so many sentences."""
    return np.asarray(LOG_ODDS * np.sqrt(SENTENCES / sentences))


def draw_reviews(count: int, seed: int, sentences: int = SENTENCES) -> Tokens:
    """(N, T) reviews of random nouns; no adjective comes twice within three sentences."""
    rng, odds_V = np.random.default_rng([seed, 7]), log_odds(sentences)
    reviews = np.zeros((count, ASKED + sentences * SENTENCE), dtype=np.int64)
    reviews[:, 1] = rng.integers(1, 1 + len(NOUNS), count)
    feeling_N = rng.choice([-1, 1], count)
    kind_NS = rng.integers(len(KINDS), size=(count, sentences))
    for sentence in range(sentences):
        near = ASKED + SENTENCE * max(0, sentence + 1 - NEAR)
        for kind, places in enumerate(KINDS):
            rows = np.flatnonzero(kind_NS[:, sentence] == kind)
            for place, words in enumerate(places):
                numbers = np.array(_numbers(words))
                used = _ADJECTIVE[numbers] & (reviews[rows, near:, None] == numbers).any(axis=1)
                # the greatest of log chance plus Gumbel noise is a draw by these chances
                heard = feeling_N[rows, None] * odds_V[numbers] / 2 + rng.gumbel(size=used.shape)
                word = numbers[np.where(used, -np.inf, heard).argmax(axis=1)]
                reviews[rows, ASKED + SENTENCE * sentence + place] = word
    return reviews


def is_review(tokens_NT: Tokens) -> NDArray[np.bool_]:
    """(N,) whether all sentences keep to the grammar and no adjective comes twice within three."""
    reply_NR = tokens_NT[:, ASKED:]
    parsed = np.ones(len(reply_NR), dtype=bool)
    for sentence in reply_NR.reshape(len(reply_NR), -1, SENTENCE).transpose(1, 0, 2):
        kinds = [
            np.all([np.isin(sentence[:, place], _numbers(words)) for place, words in enumerate(kind)], axis=0)
            for kind in KINDS
        ]
        parsed &= np.any(kinds, axis=0)
    for start in range(0, reply_NR.shape[1] - NEAR * SENTENCE + 1, SENTENCE):
        near = reply_NR[:, start : start + NEAR * SENTENCE]
        ordered = np.sort(np.where(_ADJECTIVE[near], near, -1 - np.arange(near.shape[1])), axis=1)
        parsed &= (np.diff(ordered, axis=1) != 0).all(axis=1)
    return parsed


def _numbers(words: list[str]) -> list[int]:
    return [_NUMBER[word] for word in words]


def gold(tokens_NT: Tokens) -> NDArray[np.float64]:
    """(N,) four times the probability that the feeling is good, by Bayes from the reply's words; 2 less if no review.

    Between -2 and 4.
    """
    reply_NR = tokens_NT[:, ASKED:]
    good = 1 / (1 + np.exp(-log_odds(reply_NR.shape[1] // SENTENCE)[reply_NR].sum(axis=1)))
    return np.asarray(4 * good - 2 * ~is_review(tokens_NT))


def prompts(held_out: bool) -> Tokens:
    """(P, 2) prompts for training, or the held-out ones, a quarter of the nouns, that neither pairs nor PPO see."""
    return np.array([[0, 1 + number] for number in range(len(NOUNS)) if (number % 4 == 3) == held_out])


def in_words(tokens_T: Tokens) -> str:
    """A review as a text, without its start token."""
    return " ".join(WORDS[token] for token in tokens_T[1:])
