"""A hidden Markov language whose entropy rate is known in closed form.

Each symbol belongs to one of C classes that nobody is told. The next class depends on the last two classes, the next
symbol on its class alone: a class-based trigram model (Brown et al. 1992, "Class-based n-gram models of natural
language", section 3). So the hidden state (the last two classes) is a function of the last two symbols, the machine is
unifilar, and the entropy rate is the mean entropy of what a state emits (Shannon 1948, section 7).

Every state gives its C successors the same Zipf weights, shuffled anew, and every class its V/C symbols the same Zipf
weights. Then the mean is over equal terms and

    h = H(Zipf over classes) + H(Zipf within a class)          nats per token, whatever the language's seed.

A learner must find the classes (V log2 C bits) and the shuffles (C^2 log2 C! bits at most).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from repro.corpora.languages.zipf import Zipf, entropy
from repro.floor.identity import added

_WARM_UP = 1_000  # steps before the first token: the chain forgets its start long before
_CHUNK = 1_000_000


@dataclass(frozen=True, kw_only=True)
class HiddenMarkov:
    """The language and how much of it; context 16 or more suits it.

    Fields: `classes` C, `symbols` V (a multiple of C), `between` the Zipf exponent over the next classes of a state,
    `within` that over the symbols of a class, `seed` the language's, `tokens` training tokens to draw, `test_tokens`
    test tokens; `words` the seed of another language whose classes of symbols this one has, under a grammar of its own.
    """

    classes: int = 16
    symbols: int = 512
    between: float = 2.0
    within: float = 1.0
    seed: int = 0
    tokens: int = 20_000_000
    test_tokens: int = 500_000
    words: int | None = added(None)

    def __post_init__(self) -> None:
        if self.symbols % self.classes:
            raise ValueError(f"{self.symbols} symbols do not fall into {self.classes} classes of one size")

    @property
    def vocabulary(self) -> int:
        """Number of symbols."""
        return self.symbols

    @property
    def entropy(self) -> float:
        """Entropy rate h in nats per token, in closed form."""
        return self._class_law.entropy + self._word_law.entropy

    def irreducible(self, context: int) -> float:
        """Mean nats of the tokens 2 ... context + 1 of a window that starts anywhere, given those before: exact.

        Only the second token knows less than the state: the class before the first is unknown. So this is
        h + (H(class | one class) - H(class | two classes)) / context.
        """
        pairs = self._stationary_pairs()
        before = pairs.sum(axis=0)
        seen = np.einsum("ab,abc->bc", pairs, self._transitions())
        one = sum(mass * entropy(law / mass) for mass, law in zip(before, seen, strict=True))
        return self.entropy + (float(one) - self._class_law.entropy) / context

    def draw(self, split: str) -> np.ndarray:
        """(tokens,) uint16 of "train" or "test": independent samples of one language."""
        stream = {"train": 1, "test": 2}[split]
        size = self.tokens if split == "train" else self.test_tokens
        rank_rng, word_rng = (np.random.Generator(np.random.PCG64([self.seed, stream, part])) for part in (0, 1))
        ranks = self._class_law.draw(rank_rng, _WARM_UP + size)
        classes = self._walk(ranks)[_WARM_UP:]
        words = self._word_law.draw(word_rng, size)
        symbol_of: np.ndarray = self._language()[1].reshape(self.classes, -1).astype(np.uint16)
        symbols: np.ndarray = symbol_of[classes, words]
        return symbols

    def classes_of(self) -> np.ndarray:
        """(V,) the class of each symbol."""
        placed: np.ndarray = np.argsort(self._language()[1]) // (self.symbols // self.classes)
        return placed

    def predictive(self, tokens: np.ndarray) -> np.ndarray:
        """(len(tokens) - 2,) probabilities of the tokens from the third on, given the true state."""
        place = np.argsort(self._language()[1])[tokens]
        size = self.symbols // self.classes
        kind, word = place // size, place % size
        laws: np.ndarray = self._transitions()[kind[:-2], kind[1:-1], kind[2:]] * self._word_law.p[word[2:]]
        return laws

    def states(self) -> tuple[np.ndarray, np.ndarray]:
        """(C*C,) long-run share of each state, which is all that the past says of the next class, (C*C, C) its law."""
        return self._stationary_pairs().ravel(), self._transitions().reshape(-1, self.classes)

    @property
    def _class_law(self) -> Zipf:
        return Zipf(self.classes, self.between)

    @property
    def _word_law(self) -> Zipf:
        return Zipf(self.symbols // self.classes, self.within)

    def _language(self) -> tuple[np.ndarray, np.ndarray]:
        """((C*C, C) the class at each rank of each state; (V,) the symbols, class after class)."""
        rng = np.random.Generator(np.random.PCG64([self.seed, 0]))
        ordered = np.tile(np.arange(self.classes), (self.classes**2, 1))
        grammar, symbols = rng.permuted(ordered, axis=1), rng.permutation(self.symbols)
        if self.words is None:
            return grammar, symbols
        return grammar, replace(self, seed=self.words, words=None)._language()[1]

    def _transitions(self) -> np.ndarray:
        """(C, C, C) probability of the next class given the last but one and the last."""
        successors = self._language()[0]
        table = np.empty(successors.shape)
        np.put_along_axis(table, successors, np.broadcast_to(self._class_law.p, successors.shape), axis=1)
        return table.reshape((self.classes,) * 3)

    def _stationary_pairs(self) -> np.ndarray:
        """(C, C) long-run share of each pair of neighbouring classes."""
        transitions = self._transitions()
        pairs = np.full((self.classes, self.classes), self.classes**-2.0)
        for _ in range(10_000):
            after = np.einsum("ab,abc->bc", pairs, transitions)
            if np.abs(after - pairs).max() < 1e-16:
                break
            pairs = after
        return pairs

    def _walk(self, ranks: np.ndarray) -> np.ndarray:
        """(steps,) the class of each step. One step needs the last, so this is a plain loop: 0.1 s per million."""
        successors = self._language()[0]
        C = self.classes
        # state a * C + b goes to b * C + successor
        nexts = ((np.arange(C * C) % C * C)[:, None] + successors).tolist()
        state, walked = 0, []
        for start in range(0, len(ranks), _CHUNK):
            states = []
            for rank in ranks[start : start + _CHUNK].tolist():
                state = nexts[state][rank]
                states.append(state)
            walked.append(np.array(states, dtype=np.int64) % C)
        return np.concatenate(walked)
