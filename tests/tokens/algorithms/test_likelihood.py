"""WordPiece's gain and the unigram model against sums over everything, and criteria that are false."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from repro.statistics import student_t
from repro.tokens.algorithms.configurations import Pruning
from repro.tokens.algorithms.merges import PairCounts
from repro.tokens.algorithms.texts import few_words, made_up, symbols_of, word_counts
from repro.tokens.algorithms.unigram import Unigram, candidates, every_removal, left_by_count, left_by_loss
from repro.tokens.algorithms.wordpiece import agreement, fusions, gain, units

WORDS = symbols_of(word_counts(made_up(60, np.random.default_rng(0)))) | {tuple("aaaa"): 5}


def log_likelihood(counts: PairCounts) -> float:
    """Of all words, each symbol drawn by its share."""
    found = units(counts)
    return sum(count * math.log(count / found.total()) for count in found.values())


@pytest.mark.parametrize("pair", [("a", "a"), ("l", "o"), ("e", "."), ("d", "a")])
def test_the_gain_of_a_merge_is_the_rise_in_likelihood(pair):
    """Counted again from the words after the merge; of aaaa two pairs are fused, not three."""
    counts = PairCounts(WORDS)
    found, before = units(counts), log_likelihood(counts)
    promised = gain(pair, fusions(counts)[pair], found, found.total())
    counts.merge(pair)

    assert promised == pytest.approx(log_likelihood(counts) - before, rel=1e-9)


def test_a_score_that_stands_for_the_gain_is_found_to():
    """Where each step has one pair to take, score, count and gain agree; in words they mostly do not."""
    one = agreement({tuple("abcd"): 7}, 1), agreement({tuple("ab"): 7}, 5)
    words = agreement(WORDS, 20)

    assert (1, 1, 1) == (one[1].steps, one[1].by_score, one[1].by_count)
    assert one[0].by_score == one[0].steps
    assert words.by_score < 0.5 * words.steps


def cuts(word: str, law: dict[str, float]) -> Iterator[float]:
    """The probability of each way to cut a word."""
    if not word:
        yield 1.0
    for end in range(1, len(word) + 1):
        if word[:end] in law:
            yield from (law[word[:end]] * rest for rest in cuts(word[end:], law))


def test_the_likelihood_and_the_losses_are_sums_over_every_way_to_cut():
    words = few_words(8, np.random.default_rng(0))
    fitted = Unigram(words, candidates(words, 8))
    nats = -sum(times * math.log(sum(cuts(word, fitted.law))) for word, times in words.items())
    piece, lost = next(iter(fitted.losses().items()))
    without = {name: share for name, share in fitted.law.items() if name != piece}
    left = -sum(times * math.log(sum(cuts(word, without))) for word, times in words.items())

    assert fitted.nats_per_word == pytest.approx(nats / words.total(), rel=1e-12)
    assert lost == pytest.approx(left - nats, rel=1e-9)


def test_a_fit_raises_the_likelihood():
    words = few_words(12, np.random.default_rng(1))
    rounds = [Unigram(words, candidates(words, 10), rounds=n).nats_per_word for n in range(6)]

    assert rounds == sorted(rounds, reverse=True)


def test_every_removal_tells_the_rule_of_least_loss_from_the_rarest():
    """The claim's region ends at a tenth of what the mean removal loses; the rival is a half."""
    excess: dict[str, list[float]] = {"loss": [], "count": []}
    for seed in range(6):
        words = few_words(16, np.random.default_rng([seed, 99]))
        pieces = candidates(words, 8)
        tried = every_removal(words, pieces, 4)
        best, mean = min(tried.values()), float(np.mean(list(tried.values())))
        chosen = {"loss": left_by_loss(Unigram(words, pieces), 4), "count": left_by_count(Counter(pieces), 4)}
        for rule, kept in chosen.items():
            excess[rule].append((tried[frozenset(kept)] - best) / (mean - best))

    assert 70 == len(tried)
    assert student_t(excess["loss"]).value < 0.1 < student_t(excess["count"]).value


def test_a_pruning_that_removes_nothing_is_refused():
    from repro.tokens.algorithms.configurations import Lines

    with pytest.raises(ValueError, match="expected one between 0 and 1"):
        Pruning(lines=Lines(), kept=1.0)
