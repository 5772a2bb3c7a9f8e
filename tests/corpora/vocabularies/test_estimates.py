"""Statistics on planted counts, where each claim is true and where it is false: they tell the two apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from repro.bookkeeping.ledger import judge, load_chapter
from repro.corpora.vocabularies.estimates import (
    by_vocabulary,
    costs_of,
    extreme_ratio,
    known,
    of_totals,
    over_english,
    own_counts,
    rank_correlation,
    ratio,
    share_of,
    share_of_words,
    spelled,
    spread,
)
from repro.floor import places
from repro.floor.scale import Scale
from repro.statistics import clopper_pearson

CLAIMS = load_chapter(places.experiments() / "tokenization" / "claims.toml")


def verdict(claim: str, estimate) -> str:
    stated = replace(estimate, unit=CLAIMS[claim].unit)
    return str(judge(CLAIMS[claim], stated, Scale.CPU, scope="planted", declared=True).outcome)


def sentences(cost: float, seed: int = 0, n: int = 1000) -> list[int]:
    """Tokens of sentences that share their lengths: `cost` times English, each with noise of a tenth of its own."""
    lengths = np.random.default_rng(99).integers(10, 60, n)
    return [*np.rint(cost * lengths * np.random.default_rng(seed).lognormal(0, 0.1, n)).astype(int)]


@pytest.mark.parametrize(
    "costs, expected", [((1.2, 1.9, 3.0), "supported"), ((1.0, 1.9, 3.0), "open"), ((0.9, 1.9, 3.0), "refuted")]
)
def test_one_language_that_costs_less_than_english_refutes_that_all_three_cost_more(costs, expected):
    """As characters do: a Chinese text has a third of the characters of an English one."""
    three = [sentences(cost, seed) for seed, cost in enumerate(costs, 1)]

    assert expected == verdict("multilingual-dearer-o200k", extreme_ratio("min", three, sentences(1)))


@pytest.mark.parametrize("cost, expected", [(13.8, "supported"), (1.1, "refuted")])
def test_the_dearest_language_is_found_or_there_is_none(cost, expected):
    columns = [sentences(one, seed) for seed, one in enumerate((0.9, 1.0, cost), 1)]

    assert expected == verdict("multilingual-unequal", extreme_ratio("max", columns, sentences(1)))


@pytest.mark.parametrize("each, expected", [(1, "supported"), (3, "refuted")])
def test_digits_one_by_one_are_told_from_threes(each, expected):
    digits = [*np.random.default_rng(0).integers(1, 13, 1000)]

    assert expected == verdict("numbers-digits-o200k", ratio(digits, [-(-n // each) for n in digits]))


@pytest.mark.parametrize("apart, expected", [((1.0, 1.15, 1.1), "supported"), ((1.0, 1.01, 1.02), "refuted")])
def test_vocabularies_that_count_alike_refute_that_counts_differ(apart, expected):
    columns = [[round(one * n) for n in sentences(4)] for one in apart]

    assert expected == verdict("token-count-sentences", spread(columns))


@pytest.mark.parametrize("longer, expected", [(4.4, "supported"), (1.4, "refuted")])
def test_characters_of_a_text_in_long_and_in_short_pieces(longer, expected):
    gained = extreme_ratio("min", [sentences(1, 1), sentences(0.9, 2)], sentences(longer), inverse=True)

    assert expected == verdict("char-level-english", gained)


@pytest.mark.parametrize("by, expected", [("frequency", "supported"), ("length", "refuted")])
def test_tokens_that_follow_frequency_are_told_from_tokens_that_follow_length(by, expected):
    """Long words are rare: a correlation over all words would call the false world true."""
    drawn = np.random.default_rng(1)
    length = np.repeat([6, 8, 10], 150)
    times = np.exp(drawn.normal(0, 2, 450) - 0.6 * length)
    tokens = 3 - np.log(times) / 3 if by == "frequency" else length / 3 + drawn.normal(0, 1, 450)

    found = rank_correlation([*length], [*times], [*np.rint(tokens)])

    assert expected == verdict("bpe-frequency-depends", found)


def test_shares_of_words_vocabularies_and_makers():
    """Six makers are too few to settle what makers do often, unless nearly all agree."""
    assert "supported" == verdict("bpe-frequency-common-large", share_of_words(495, 500))
    assert "refuted" == verdict("bpe-frequency-unseen", share_of_words(100, 500))
    assert "refuted" == verdict("bpe-tokenization-token-iza-tion", share_of(["a"], "abcdefghijk"))
    assert "supported" == verdict("bpe-chatgpt-most", share_of("abcdef", "abcdefghijk"))
    outcomes = [verdict("numbers-digits-often", clopper_pearson(k, 6)) for k in (0, 3, 6)]
    assert ["open", "open", "open"] == outcomes


def test_a_nominal_interval_of_99_per_cent_covers_as_often():
    """Ratios of totals over 100 sentences; 400 simulated texts."""
    lengths = np.random.default_rng(5).integers(10, 60, 100_000)
    tokens = np.rint(1.3 * lengths * np.random.default_rng(6).lognormal(0, 0.2, 100_000))
    truth = tokens.sum() / lengths.sum()
    covered = []
    for text in np.random.default_rng(7).integers(100_000, size=(400, 100)):
        found = ratio([*tokens[text]], [*lengths[text]])
        covered.append(found.low <= truth <= found.high)

    assert 0.97 <= np.mean(covered) <= 0.999


def test_whole_words_that_become_unknown_are_left_out():
    runs = pd.DataFrame(
        {
            "vocabulary.name": ["a", "a", "b"],
            "text.language": ["eng_Latn", "tha_Thai", "eng_Latn"],
            "tokens": [[10] * 20, [2] * 20, [9] * 20],
            "unknown": [1, 30, 0],
        }
    )
    totals = pd.DataFrame({"vocabulary.name": ["a"], "languages": [["eng_Latn", "tha_Thai"]]})
    totals = totals.assign(tokens=[[200, 40]], unknown=[[1, 30]])

    assert {"a": {"eng_Latn": [10] * 20}, "b": {"eng_Latn": [9] * 20}} == by_vocabulary(known(runs))
    assert [1.0, True] == [over_english(totals).loc["a", "eng_Latn"], over_english(totals).isna().loc["a", "tha_Thai"]]


def test_costs_stand_in_their_order_and_own_counts_beside_english():
    counts = {"v": {"eng_Latn": sentences(1), "tha_Thai": sentences(3, 1), "fra_Latn": sentences(1.4, 2)}}
    runs = pd.DataFrame({"vocabulary.name": ["v", "v"], "text.language": ["eng", "tha"], "tokens": [[10], [30]]})
    runs = runs.assign(unknown=0, words=[5, 1], characters=[40, 30], bytes=[40, 90])

    assert ["French", "Thai"] == [*costs_of(counts)["language"]]
    assert [3.0, 1.0] == [*own_counts(runs)["over English"]]
    assert [2.0, 0.25, 0.25] == [*own_counts(runs).loc[0, ["per word", "per character", "per byte"]]]


def test_few_sentences_have_no_interval():
    with pytest.raises(ValueError, match="19 sentences; a bootstrap needs at least 20"):
        of_totals(lambda totals: totals[..., 0], [[1] * 19])


def test_a_cut_is_spelled_with_bars():
    assert "hell | o | ·world" == spelled("hello world", [4, 1, 6])
    assert "hello | world" == spelled("hello world", [5, 5])
