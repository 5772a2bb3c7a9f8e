"""Byte-pair encoding step by step: counts stay right, and each check finds what is false."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from repro.tokens.algorithms.configurations import Lines, Toy, Training
from repro.tokens.algorithms.measurements import merge_orders
from repro.tokens.algorithms.merges import (
    PairCounts,
    Pseudocode,
    departures,
    learned,
    lowest_rank_first,
    orders,
    replayed,
    second,
)
from repro.tokens.algorithms.texts import made_up, symbols_of, unseen_words, word_counts

LINES = made_up(80, np.random.default_rng(0))
WORDS = symbols_of(word_counts(LINES))


def ranks(merges):
    """Each merge by its place."""
    return {pair: rank for rank, pair in enumerate(merges)}


def test_counts_kept_up_to_date_are_those_of_a_fresh_count():
    """Overlaps of a pair with itself among them: aaaa holds three pairs and fuses two."""
    counts = PairCounts({tuple("aaaa"): 3, **WORDS})
    for pair in (("a", "a"), *learned(WORDS, 40)):
        counts.merge(pair)
    fresh: Counter[tuple[str, str]] = Counter()
    for symbols, times in zip(counts.words, counts.times, strict=True):
        for pair in pairwise(symbols):
            fresh[pair] += times

    assert fresh == counts.counts
    assert ["aa", "aa"] == counts.words[0]


def test_a_trainer_that_takes_a_rarer_pair_is_found_at_every_step():
    """And one that breaks ties otherwise is not: its list differs and departs nowhere."""
    last_of_ties = learned(WORDS, 60, lambda counts: counts.most_frequent()[-1])

    assert 0 == departures(WORDS, learned(WORDS, 60))[0]
    assert 0 == departures(WORDS, last_of_ties)[0] and last_of_ties != learned(WORDS, 60)
    assert 60 == departures(WORDS, learned(WORDS, 60, second))[0]


def test_replay_is_lowest_rank_first_for_learned_lists_alone():
    """A list whose second merge comes before what it is made of is cut otherwise; no training gives one."""
    merges = learned(WORDS, 100)
    words = unseen_words(300, "".join(word_counts(LINES)), (), np.random.default_rng(1))
    improper = [("ab", "c"), ("a", "b")]

    assert [replayed(word, merges) for word in words] == [lowest_rank_first(word, ranks(merges)) for word in words]
    assert ["ab", "c"] == replayed("abc", improper)
    assert ["abc"] == lowest_rank_first("abc", ranks(improper))


def test_every_order_that_ties_allow_is_listed():
    """Beside low and lower, one more word decides the tie, for the one or for the other."""
    words = {tuple("low"): 5, tuple("lower"): 2}

    assert [[("l", "o"), ("lo", "w")], [("o", "w"), ("l", "ow")]] == orders(words, 2)
    assert [("o", "w")] == [path[0] for path in orders({**words, tuple("now"): 1}, 2)]
    assert [("l", "o")] == [path[0] for path in orders({**words, tuple("lot"): 1}, 2)]


def test_libraries_take_an_order_that_is_allowed():
    found = merge_orders(Toy(words=(("low", 5), ("lower", 2))), 0)

    assert {found["tokenizers"], found["sentencepiece"]} <= set(found["orders"])


def test_the_pseudocode_cuts_what_it_knows_and_fails_at_one_new_letter():
    article = Pseudocode(WORDS, 40)

    assert all(article.encode(line) for line in LINES)
    with pytest.raises(KeyError):
        article.encode(LINES[0] + "ж")


@pytest.mark.parametrize("fields", [{"source": "flores-dev"}, {"languages": ("eng_Latn",)}, {"count": 0}])
def test_lines_that_cannot_be_are_refused(fields):
    with pytest.raises(ValueError, match="give 1 or more, made up or in languages"):
        Training(lines=Lines(**fields), steps=1)
