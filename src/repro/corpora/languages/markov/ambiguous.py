"""A language of words with hidden tags, and the exact ceilings of a reader of the left side and of one of both sides.

Each word hides one of two tags, and a tag decides which words may follow: four, none of which may follow the word's
other tag. So the next word always tells the tag. In half of the words, the *open* ones, the tag is a coin toss that
only the next word tells; in the others, the *closed* ones, the word before decides it. A line is about one of two
topics, which prefer other successors of the same four. Tags and topics stand nowhere in the text.

Legend: B lines, T words of a line, W words, K tags (2 W), S states (topic, tag).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array

Lines = NDArray[np.int64]
FOLLOWERS = 4  # of a tag
WEIGHTS = ((0.5, 0.25, 0.15, 0.1), (0.25, 0.5, 0.1, 0.15))  # of the followers, by topic
SPLITS = {"train": 1, "test": 2}


@dataclass(frozen=True, kw_only=True)
class Ambiguous:
    """The language: `words` W, the first half of them open; `length` T of a line; `seed` its own.

    Raises:
        ValueError: an odd number of words, or fewer than the followers of a word's two tags.
    """

    words: int = 12
    length: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        if self.words % 2 or self.words < 2 * FOLLOWERS or self.length < 2:
            raise ValueError(
                f"{self.words} words, lines of {self.length}; expected an even number from {2 * FOLLOWERS}, "
                "and a length of 2 or more"
            )

    @property
    def open_words(self) -> int:
        """Words whose tag the next word alone tells; they are numbered first."""
        return self.words // 2

    def draw(self, count: int, split: str, part: int = 0) -> tuple[Lines, Lines, Lines]:
        """(count, T) words, their (count, T) tags and the (count,) topics; each `part` of a split is drawn afresh."""
        rng = np.random.default_rng([self.seed, SPLITS[split], part])
        follow, decides = self._grammar()
        topics_B, tag_B = rng.integers(2, size=count), rng.integers(2 * self.words, size=count)
        tags = [tag_B]
        edges = np.cumsum(WEIGHTS, axis=1)[topics_B]
        for _ in range(self.length - 1):
            rank_B = (rng.random((count, 1)) > edges[:, :-1]).sum(axis=1)
            word_B = follow[tag_B, rank_B]
            coin_B = rng.integers(2, size=count)
            tag_B = 2 * word_B + np.where(word_B < self.open_words, coin_B, decides[tag_B // 2, word_B])
            tags.append(tag_B)
        tags_BT = np.stack(tags, axis=1)
        return tags_BT // 2, tags_BT, topics_B

    def ceilings(self, lines_BT: Lines) -> dict[str, Array]:
        """How often the best guess of a tag is right, (B, T) each: `left` and `both` sides seen; (B,) `topic`.

        They are the greatest posterior probabilities, by the forward-backward recursions.
        """
        steps, emitted = self._transitions(), self._emitted()
        ahead = [self._first(lines_BT[:, 0])]
        for words_B in lines_BT.T[1:]:
            ahead.append(_normal((ahead[-1] @ steps) * emitted[words_B]))
        behind = [np.ones_like(ahead[0])]
        for words_B in lines_BT.T[:0:-1]:
            behind.append(_normal((behind[-1] * emitted[words_B]) @ steps.T))
        left_BTS, back_BTS = np.stack(ahead, axis=1), np.stack(behind[::-1], axis=1)
        both_BTS = _normal(left_BTS * back_BTS)
        return {
            "left": self._tags(left_BTS).max(axis=-1),
            "both": self._tags(both_BTS).max(axis=-1),
            "topic": left_BTS[:, -1].reshape(len(lines_BT), 2, -1).sum(axis=-1).max(axis=-1),
        }

    def read(self, lines_BT: Lines) -> tuple[NDArray[np.bool_], Array]:
        """(B, T - 1) whether each step is possible after those before it, and (B, T - 1) nats of each possible one.

        After an impossible step the reader goes on as at the start of a line; its nats are 0.
        """
        steps, emitted = self._transitions(), self._emitted()
        state, legal, nats = self._first(lines_BT[:, 0]), [], []
        for words_B in lines_BT.T[1:]:
            now = (state @ steps) * emitted[words_B]
            mass_B = now.sum(axis=1)
            legal.append(mass_B > 0)
            nats.append(-np.log(np.where(mass_B > 0, mass_B, 1.0)))
            state = np.where(
                mass_B[:, None] > 0, now / np.where(mass_B > 0, mass_B, 1.0)[:, None], self._first(words_B)
            )
        return np.stack(legal, axis=1), np.stack(nats, axis=1)

    def _grammar(self) -> tuple[Lines, Lines]:
        """((K, 4) the words that may follow each tag; (W, W) the tag, 0 or 1, of a closed word after each word)."""
        rng = np.random.default_rng([self.seed, 0])
        orders = rng.permuted(np.tile(np.arange(self.words), (self.words, 1)), axis=1)
        follow = orders[:, : 2 * FOLLOWERS].reshape(2 * self.words, FOLLOWERS)
        halves = np.tile(np.arange(self.words) % 2, (self.words, 1))
        return follow, rng.permuted(halves, axis=1).T

    def _transitions(self) -> Array:
        """(S, S) probability of the next state after each; the topic stays."""
        follow, decides = self._grammar()
        tags = np.arange(2 * self.words)
        steps = np.zeros((2, len(tags), 2, len(tags)))
        for topic, weights in enumerate(WEIGHTS):
            for rank, weight in enumerate(weights):
                word_K = follow[:, rank]
                closed_K = word_K >= self.open_words
                for tag in (0, 1):
                    share_K = np.where(closed_K, decides[tags // 2, word_K] == tag, 0.5)
                    steps[topic, tags, topic, 2 * word_K + tag] += weight * share_K
        return steps.reshape(2 * len(tags), -1)

    def _emitted(self) -> Array:
        """(W, S) 1 where a state shows this word."""
        shown = np.tile(np.arange(2 * self.words) // 2, 2)
        emitted: Array = (np.arange(self.words)[:, None] == shown).astype(float)
        return emitted

    def _first(self, words_B: Lines) -> Array:
        return self._emitted()[words_B] / 4

    def _tags(self, law_BTS: Array) -> Array:
        tags: Array = law_BTS.reshape(*law_BTS.shape[:-1], 2, 2 * self.words).sum(axis=-2)
        return tags


def _normal(mass: Array) -> Array:
    scaled: Array = mass / mass.sum(axis=-1, keepdims=True)
    return scaled
