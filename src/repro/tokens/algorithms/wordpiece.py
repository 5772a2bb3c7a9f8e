"""WordPiece's choice of a merge: the score that is published, and the gain in likelihood that it stands for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from repro.tokens.algorithms.merges import Pair, PairCounts, Word, merged


@dataclass
class Agreement:
    """Over steps of training, how often a choice took a pair with the largest exact gain; `steps` of them in all."""

    steps: int = 0
    by_score: int = 0
    by_count: int = 0


def units(counts: PairCounts) -> Counter[str]:
    """How often each symbol stands in the words as they are cut now."""
    found: Counter[str] = Counter()
    for symbols, times in zip(counts.words, counts.times, strict=True):
        for symbol in symbols:
            found[symbol] += times
    return found


def score(pair: Pair, count: int, found: Mapping[str, int]) -> float:
    """f(ab) / (f(a) f(b)), the score by which WordPiece is commonly described."""
    return count / (found[pair[0]] * found[pair[1]])


def gain(pair: Pair, fused: int, found: Mapping[str, int], total: int) -> float:
    """The rise in the log-likelihood of all words, each symbol drawn by its share, in nats, if the pair is fused.

    Args:
        fused: how often the pair is fused: its count, but for overlaps such as a a a.
        found: counts of symbols; `total` their sum.
    """
    left, right = pair
    after = {left: found[left] - fused, right: found[right] - fused}
    if left == right:
        after = {left: found[left] - 2 * fused}
    changed = _sum([*after.values(), fused]) - _sum([found[symbol] for symbol in after])
    return changed - (total - fused) * math.log(total - fused) + total * math.log(total)


def _sum(counts: list[int]) -> float:
    return sum(count * math.log(count) for count in counts if count)


def fusions(counts: PairCounts) -> dict[Pair, int]:
    """How often each pair would be fused; overlaps of a pair with itself are counted word by word."""
    fused = dict(counts.counts)
    for pair in fused:
        if pair[0] == pair[1]:
            held = ((counts.words[index], counts.times[index]) for index in counts.holding(pair))
            fused[pair] = sum(times * (len(symbols) - len(merged(symbols, pair))) for symbols, times in held)
    return fused


def agreement(words: Mapping[Word, int], steps: int) -> Agreement:
    """Train by the exact gain, and count at each step whether score and count would have taken as good a pair."""
    counts, seen = PairCounts(words), Agreement()
    while seen.steps < steps and counts.counts:
        found = units(counts)
        total, fused = found.total(), fusions(counts)
        gains = {pair: gain(pair, fused[pair], found, total) for pair in counts.counts}
        best = max(gains.values())
        as_good = {pair for pair, value in gains.items() if math.isclose(value, best, rel_tol=1e-12, abs_tol=1e-9)}
        highest = max(counts.counts, key=lambda pair: score(pair, counts.counts[pair], found))
        top = score(highest, counts.counts[highest], found)
        seen.steps += 1
        seen.by_score += any(score(pair, counts.counts[pair], found) >= top * (1 - 1e-12) for pair in as_good)
        seen.by_count += any(counts.counts[pair] == counts.most for pair in as_good)
        counts.merge(min(as_good))
    return seen
