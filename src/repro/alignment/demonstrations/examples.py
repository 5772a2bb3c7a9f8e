"""Examples to fine-tune on: prompts and responses of one feeling, in sentences of the review language.

Legend: N examples, S sentences, T time with the start token and the prompt.
"""

from __future__ import annotations

import numpy as np

from repro.alignment.demonstrations.configurations import Masking
from repro.corpora.languages.reviews import KINDS, LOG_ODDS, SENTENCE, WORDS
from repro.floor.arrays import Tokens

RESPONSE = 2 * SENTENCE  # words of a response
LONGEST = 1 + 14 * SENTENCE  # tokens that a decoder can read
LOUDEST = ("hated", "loved")  # the first word of a prompt of noise: all that tells the feeling there


def example_sets(config: Masking, seed: int) -> tuple[Tokens, Tokens, Tokens]:
    """(N, T) examples for training, validation and test.

    Raises:
        ValueError: prompts that are longer than a decoder can read.
    """
    if 1 + config.sentences * SENTENCE + RESPONSE > LONGEST:
        raise ValueError(f"got sentences={config.sentences}; expected at most {(LONGEST - 1 - RESPONSE) // SENTENCE}")
    counts = (config.examples, config.judged, config.judged)
    training, validation, test = (
        draw_examples(config.prompt, config.sentences, count, seed, part, config.backwards)
        for part, count in enumerate(counts)
    )
    return training, validation, test


def draw_examples(prompt: str, sentences: int, count: int, seed: int, part: int, backwards: str = "none") -> Tokens:
    """(N, T) start token, prompt and response; parts 0, 1, 2 are for training, validation and test."""
    rng = np.random.default_rng([seed, part, 8])
    feeling_N = rng.choice([-1, 1], count)
    asked = draw_sentences(np.repeat(feeling_N[:, None], sentences, axis=1), rng)
    if prompt == "noise":
        asked = rng.integers(1, len(WORDS), asked.shape)
        asked[:, 0] = np.array([WORDS.index(word) for word in LOUDEST])[(feeling_N > 0).astype(int)]
    elif backwards == "all":
        asked = _turned(asked)
    answered = draw_sentences(np.repeat(feeling_N[:, None], RESPONSE // SENTENCE, axis=1), rng)
    if backwards != "none":
        answered = _turned(answered)
    return np.concatenate([np.zeros((count, 1), dtype=np.int64), asked, answered], axis=1)


def draw_sentences(feeling_NS: Tokens, rng: np.random.Generator) -> Tokens:
    """(N, 4 S) words of sentences, each in the feeling, -1 or 1, that it is given."""
    words = np.zeros((*feeling_NS.shape, SENTENCE), dtype=np.int64)
    kind_NS = rng.integers(len(KINDS), size=feeling_NS.shape)
    for kind, places in enumerate(KINDS):
        here = kind_NS == kind
        for place, allowed in enumerate(places):
            numbers = np.array([WORDS.index(word) for word in allowed])
            # the greatest of log chance plus Gumbel noise is a draw by these chances
            heard = feeling_NS[here][:, None] * LOG_ODDS[numbers] / 2 + rng.gumbel(size=(here.sum(), len(numbers)))
            words[here, place] = numbers[heard.argmax(axis=1)]
    return words.reshape(len(feeling_NS), -1)


def _turned(words: Tokens) -> Tokens:
    """(N, 4 S) the same sentences, the words of each from last to first."""
    return words.reshape(len(words), -1, SENTENCE)[:, :, ::-1].reshape(words.shape)
