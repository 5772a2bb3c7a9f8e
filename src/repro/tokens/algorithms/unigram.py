"""The unigram model of pieces: its likelihood over all ways to cut, its fit, and what removing pieces loses.

A vocabulary is a law over pieces; a word's probability is the sum, over the ways to cut it, of the products of its
pieces' probabilities. Single characters are never removed, so every word can be cut.

Source: Kudo 2018 (arXiv:1804.10959), section 3.2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

LONGEST = 8  # characters of a candidate piece
ROUNDS = 8  # of expectation and maximisation
LEAST = 1e-9  # of a piece's expected count: a law of zero would shut a way of cutting for ever


def candidates(words: Mapping[str, int], most: int) -> dict[str, int]:
    """Pieces of two characters or more by their count in the words: the `most` that cover the most characters."""
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for start in range(len(word)):
            for end in range(start + 2, min(start + LONGEST, len(word)) + 1):
                counts[word[start:end]] += times
    repeated = [(piece, count) for piece, count in counts.items() if count > 1]
    return dict(sorted(repeated, key=lambda item: (-item[1] * len(item[0]), item[0]))[:most])


class Unigram:
    """A law over pieces, fitted to words and their counts.

    Args:
        words: how often each word occurs.
        pieces: those of two characters or more; the words' characters are added.
    """

    def __init__(self, words: Mapping[str, int], pieces: Iterable[str], rounds: int = ROUNDS) -> None:
        self.words = words
        alphabet = {character for word in words for character in word}
        kept = sorted(alphabet | set(pieces))
        self.law = dict.fromkeys(kept, 1 / len(kept))
        self.expected: dict[str, float] = {}
        for _ in range(rounds):
            self._step()

    def _step(self) -> None:
        expected = dict.fromkeys(self.law, 0.0)
        for word, times in self.words.items():
            edges, before = self._before(word)
            after = self._after(word, edges)
            for start, end, share in edges:
                expected[word[start:end]] += times * before[start] * share * after[end] / before[-1]
        self.expected = expected
        total = sum(max(count, LEAST) for count in expected.values())
        self.law = {piece: max(count, LEAST) / total for piece, count in expected.items()}

    def _edges(self, word: str, without: str = "") -> list[tuple[int, int, float]]:
        ends = range(1, len(word) + 1)
        spans = ((start, end) for end in ends for start in range(max(0, end - LONGEST), end))
        return [
            (start, end, self.law[word[start:end]])
            for start, end in spans
            if word[start:end] in self.law and word[start:end] != without
        ]

    def _before(self, word: str, without: str = "") -> tuple[list[tuple[int, int, float]], list[float]]:
        edges, reached = self._edges(word, without), [1.0] + [0.0] * len(word)
        for start, end, share in edges:
            reached[end] += reached[start] * share
        return edges, reached

    def _after(self, word: str, edges: Sequence[tuple[int, int, float]]) -> list[float]:
        left = [0.0] * len(word) + [1.0]
        for start, end, share in sorted(edges, reverse=True):
            left[start] += share * left[end]
        return left

    @property
    def nats_per_word(self) -> float:
        """The mean negative log-likelihood of a word."""
        nats = -sum(times * math.log(self._before(word)[1][-1]) for word, times in self.words.items())
        return nats / sum(self.words.values())

    def losses(self) -> dict[str, float]:
        """By piece of two characters or more, the nats that all words lose without it, the law left as it is."""
        lost = {}
        for piece in (piece for piece in self.law if len(piece) > 1):
            holding = [(word, times) for word, times in self.words.items() if piece in word]
            lost[piece] = sum(
                times * (math.log(self._before(word)[1][-1]) - math.log(self._before(word, piece)[1][-1]))
                for word, times in holding
            )
        return lost


def left_by_loss(fitted: Unigram, removed: int) -> set[str]:
    """The pieces that stay if the `removed` of least loss go: the rule that is claimed."""
    lost = fitted.losses()
    return set(sorted(lost, key=lambda piece: (lost[piece], piece))[removed:])


def left_at_random(pieces: Collection[str], removed: int, rng: np.random.Generator) -> set[str]:
    """The pieces that stay if as many go by lot."""
    listed = sorted(pieces)
    return {listed[index] for index in rng.permutation(len(listed))[removed:]}


def left_by_count(counts: Mapping[str, float], removed: int) -> set[str]:
    """The pieces that stay if the rarest go."""
    return set(sorted(counts, key=lambda piece: (counts[piece], piece))[removed:])


def every_removal(words: Mapping[str, int], pieces: Collection[str], removed: int) -> dict[frozenset[str], float]:
    """Nats per word after each set of `removed` pieces is taken away and the law is fitted again, by what stays."""
    stays = len(pieces) - removed
    return {frozenset(some): Unigram(words, some).nats_per_word for some in combinations(sorted(pieces), stays)}
