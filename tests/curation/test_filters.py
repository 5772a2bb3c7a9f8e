"""A classifier finds words of another kind, cannot see order, and is judged by an area that knows chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.corpora.texts.packages import Packages
from repro.curation.filters.badness import in_another_alphabet, made_bad, prose_of
from repro.curation.filters.classifier import Classifier, area, rule_scores, surprise_scores
from repro.curation.filters.configurations import KINDS, Filtering
from repro.curation.filters.estimates import refused_share
from repro.statistics import student_t

WORDS = [f"word{number}" for number in range(60)]


def passages(count: int, rng: np.random.Generator, words: list[str] = WORDS) -> list[str]:
    """Passages of forty random words in lines of eight."""
    drawn = rng.choice(words, size=(count, 5, 8))
    return ["\n".join(" ".join(line) for line in passage) for passage in drawn.tolist()]


def areas(bad_words: list[str]) -> list[float]:
    """Areas of five trials in which bad passages are of these words."""
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        raw = [*passages(40, rng), *passages(40, rng, bad_words)]
        classifier = Classifier(passages(60, rng), raw, 2**12)
        found.append(area(classifier.scores(passages(60, rng)), classifier.scores(passages(60, rng, bad_words))))
    return found


def test_bad_text_of_other_words_is_found_and_bad_text_of_the_same_words_is_not():
    """The statistic tells a filter that works from one that has nothing to work with."""
    works, blind = student_t(areas([f"spam{number}" for number in range(60)])), student_t(areas(WORDS))

    assert works.low > 0.95
    assert blind.high < 0.95
    assert blind.low < 0.5 < blind.high


def test_the_area_is_the_chance_that_a_good_passage_scores_higher():
    good, bad = np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.0])

    assert (1 + 1.5 + 2) / 6 == pytest.approx(area(good, bad))  # pairs won, a tie as half a pair, of six


def test_a_share_is_judged_over_draws_unless_they_are_all_alike():
    """One draw in six that lets a third pass leaves a share of .95 open."""
    of = [160] * 6
    varying, alike = (
        refused_share(pd.DataFrame({"spam: refused": refused, "spam: of": of}), "spam")
        for refused in ([160, 160, 160, 160, 110, 160], of)
    )

    assert varying.low < 0.95 < varying.high
    assert 0.98 < alike.low < alike.high == 1


@pytest.mark.parametrize("kind", KINDS)
def test_bad_text_is_as_long_as_the_good_and_of_its_own_half(kind):
    rng, passage = np.random.default_rng(0), "def one(two):\n    return two + 1\n" * 20
    halves = [made_bad(kind, passage, half, rng) for half in (0, 1)]

    assert all(abs(len(bad) - len(passage)) <= len(passage) // 2 for bad in halves)
    if KINDS[kind] != "low quality":
        assert not set(halves[0].splitlines()[:-1]) & set(halves[1].splitlines()[:-1])


def test_code_keeps_its_words_when_comments_change_their_alphabet():
    assert "total = 1  # суп" == in_another_alphabet("total = 1  # sup")


def test_prose_is_what_long_comments_say():
    text = 'def f():\n    """' + "It counts what stands there. " * 10 + '"""\n    return 1\n'

    assert prose_of(text, 1_000).startswith("It counts")
    assert "return" not in prose_of(text, 1_000)


def test_rules_and_surprise_rank_noise_below_code():
    code = 'def add(first, second):\n    """The sum of the two numbers that are given."""\n    return first + second\n'
    noise = "0x13, 0x8f, 0x00;\n" * 8

    assert rule_scores([code])[0] > rule_scores([noise])[0]
    assert surprise_scores([code * 3], [code])[0] > surprise_scores([code * 3], [noise])[0]


def test_a_trial_needs_packages_on_every_side():
    text = Packages(manifest="any", sha256="0", train=("a", "b"), test=(), tokens=1, test_tokens=1)

    with pytest.raises(ValueError, match="expected 1 or more, and 2 left"):
        Filtering(text=text, judged=1)
