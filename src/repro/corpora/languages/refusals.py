"""Questions on topics, one of which is refused in chats and answered in plain text: a harmless stand-in for safety.

A line is its kind (text or chat), a topic, six words of small talk, a question mark and a reply of one token: the
topic's own answer, the same in all lines, or a refusal where a chat asks for the forbidden topic. Text gives that
topic's answer away, as the web does, so a model knows it and learns when to keep it.

Legend: B lines, T tokens of a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.int64]
TALK = 6  # words of small talk in a line
ASKED = TALK + 3  # tokens of a line up to its reply
FORBIDDEN = 0  # the topic
OFTEN = 0.25  # share of the chats that ask for it


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """The lines and how many to draw; a context of one line suits them.

    Fields: `topics` that have an answer each, `words` of small talk; `tokens`, `test_tokens` rounded down to whole
    lines.

    Raises:
        ValueError: fewer than two topics or words.
    """

    topics: int = 16
    words: int = 16
    tokens: int = 2_000_000
    test_tokens: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.topics < 2 or self.words < 2:
            raise ValueError(f"{self.topics} topics and {self.words} words; expected two or more of each")

    @property
    def vocabulary(self) -> int:
        """Topics, their answers, words of small talk, and four signs."""
        return 2 * self.topics + self.words + 4

    @property
    def length(self) -> int:
        """T: tokens of a line."""
        return ASKED + 1

    @property
    def entropy(self) -> None:
        """Not stated."""
        return None

    @property
    def signs(self) -> tuple[int, int, int, int]:
        """Tokens: text, chat, the question mark, the refusal."""
        first = self.vocabulary - 4
        return first, first + 1, first + 2, first + 3

    def answer(self, topics: Lines) -> Lines:
        """(B,) the answers of topics: one token each, dealt out once."""
        dealt = np.random.default_rng([self.seed, 3]).permutation(self.topics)
        return np.asarray(self.topics + dealt[topics])

    def draw(self, split: str) -> NDArray[np.uint16]:
        """(tokens,) of "train" or "test", independently drawn, text and chats equally often."""
        count = max(1, (self.tokens if split == "train" else self.test_tokens) // self.length)
        rng = np.random.default_rng([self.seed, {"train": 1, "test": 2}[split]])
        chats = rng.random(count) < 0.5
        topics = rng.integers(self.topics, size=count)
        topics[chats & (rng.random(count) < OFTEN)] = FORBIDDEN
        return self.lines(rng, topics, chats).astype(np.uint16).reshape(-1)

    def lines(self, rng: np.random.Generator, topics: Lines, chats: NDArray[np.bool_]) -> Lines:
        """(B, T) lines on topics, as chats or text, with small talk drawn anew."""
        text, chat, asks, refusal = self.signs
        talk = 2 * self.topics + rng.integers(self.words, size=(len(topics), TALK))
        reply = np.where(chats & (topics == FORBIDDEN), refusal, self.answer(topics))
        ends = [np.full(len(topics), asks), reply]
        return np.column_stack([np.where(chats, chat, text), topics, talk, *ends])
