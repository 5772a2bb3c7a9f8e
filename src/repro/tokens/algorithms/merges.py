"""Byte-pair encoding step by step: how merges are learned, and two ways to cut a word with them.

A word is a tuple of symbols; a merge is a pair of neighbours that becomes one symbol, their concatenation.

Source: Sennrich et al. 2016 (arXiv:1508.07909), algorithm 1; Gage 1994 for the compression it comes from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

Pair = tuple[str, str]
Word = tuple[str, ...]


class PairCounts:
    """Counts of neighbouring pairs over words, kept up to date as pairs are merged.

    A merge looks at the words that hold its pair alone, which takes a hundredth of the time of counting afresh.
    """

    def __init__(self, words: Mapping[Word, int]) -> None:
        self.words = [list(word) for word in words]
        self.times = list(words.values())
        self.counts: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(self.words)):
            self._count(index, 1)

    def _count(self, index: int, sign: int) -> None:
        symbols = self.words[index]
        for pair in pairwise(symbols):
            self.counts[pair] += sign * self.times[index]
            if sign > 0:
                self._where[pair].add(index)
            elif not self.counts[pair]:
                del self.counts[pair]

    def merge(self, pair: Pair) -> None:
        """Fuse the pair wherever it stands, from the left."""
        for index in self._where.pop(pair, set()):
            self._count(index, -1)
            self.words[index] = merged(self.words[index], pair)
            self._count(index, 1)

    def holding(self, pair: Pair) -> list[int]:
        """The words that hold a pair, by their places; some may have lost it since."""
        return sorted(self._where.get(pair, ()))

    @property
    def most(self) -> int:
        """The count of a most frequent pair; 0 where no pair is left."""
        return max(self.counts.values(), default=0)

    def most_frequent(self) -> list[Pair]:
        """All pairs that tie for first, in alphabetical order."""
        most = self.most
        return sorted(pair for pair, count in self.counts.items() if count == most)


def merged(symbols: Sequence[str], pair: Pair) -> list[str]:
    """The symbols with each occurrence of the pair fused, from the left."""
    fused, at = [], 0
    while at < len(symbols):
        double = at + 1 < len(symbols) and (symbols[at], symbols[at + 1]) == pair
        fused.append(symbols[at] + symbols[at + 1] if double else symbols[at])
        at += 2 if double else 1
    return fused


def learned(
    words: Mapping[Word, int],
    steps: int,
    choose: Callable[[PairCounts], Pair] = lambda counts: counts.most_frequent()[0],
) -> list[Pair]:
    """The merges that `steps` steps learn, fewer where no pair is left; `choose` takes the pair of each step."""
    counts, merges = PairCounts(words), []
    for _ in range(steps):
        if not counts.counts:
            break
        merges.append(choose(counts))
        counts.merge(merges[-1])
    return merges


def second(counts: PairCounts) -> Pair:
    """A pair that is less frequent than the first, where there is one: a false rule, which a check must find."""
    most = counts.most
    return max(counts.counts, key=lambda pair: (counts.counts[pair] < most, counts.counts[pair], pair))


def departures(words: Mapping[Word, int], merges: Iterable[Pair]) -> tuple[int, int]:
    """Of a list of merges, how many fuse a pair that is not among the most frequent, and how many tie for first."""
    counts, wrong, tied = PairCounts(words), 0, 0
    for pair in merges:
        most = counts.most
        wrong += counts.counts[pair] != most
        tied += sum(count == most for count in counts.counts.values()) > 1
        counts.merge(pair)
    return wrong, tied


def orders(words: Mapping[Word, int], steps: int) -> list[list[Pair]]:
    """Every list of merges that the description allows, however its ties are broken."""
    paths: list[list[Pair]] = [[]]
    for _ in range(steps):
        paths = [[*path, pair] for path in paths for pair in _after(words, path).most_frequent()]
    return paths


def _after(words: Mapping[Word, int], merges: Iterable[Pair]) -> PairCounts:
    counts = PairCounts(words)
    for pair in merges:
        counts.merge(pair)
    return counts


def replayed(word: str, merges: Iterable[Pair]) -> list[str]:
    """A word cut by replaying all merges in the order in which they were learned."""
    symbols = list(word)
    for pair in merges:
        if pair[0] in symbols and pair[1] in symbols:  # else there is nothing to fuse, which is quick to see
            symbols = merged(symbols, pair)
    return symbols


def lowest_rank_first(word: str, ranks: Mapping[Pair, int]) -> list[str]:
    """A word cut as libraries cut it: of all pairs in it, the one that was learned first is fused, and so on.

    Of several places of one pair, the leftmost is fused alone.
    """
    symbols = list(word)
    while len(symbols) > 1:
        at = min(range(len(symbols) - 1), key=lambda i: (ranks.get((symbols[i], symbols[i + 1]), len(ranks)), i))
        if (symbols[at], symbols[at + 1]) not in ranks:
            break
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
    return symbols


class Pseudocode:
    """A tokeniser as the sentence has it: its vocabulary is the characters of its own text, and then the merges.

    `encode` looks each piece up, and raises KeyError at one that is not there.
    """

    def __init__(self, words: Mapping[Word, int], steps: int) -> None:
        self.merges = learned(words, steps)
        pieces = sorted({symbol for word in words for symbol in word})
        pieces += [left + right for left, right in self.merges]
        self.ids = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}

    def encode(self, text: str) -> list[int]:
        """The ids of a text, each word's merges replayed."""
        return [self.ids[piece] for word in text.split() for piece in replayed(word, self.merges)]
