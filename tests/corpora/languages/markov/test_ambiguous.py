"""The ambiguous language: its ceilings are those of a reader who guesses by them, and its own lines are possible."""

import numpy as np
import pytest

from repro.corpora.languages.markov.ambiguous import Ambiguous

LANGUAGE = Ambiguous(words=8, length=16, seed=3)
WORDS, TAGS, TOPICS = LANGUAGE.draw(400, "test")
OPEN = WORDS < LANGUAGE.open_words
INNER = np.s_[:, 2:-1]  # a first closed word has no word before it, a last open one none after it


def test_the_left_side_tells_closed_words_alone_and_both_sides_tell_all():
    best = LANGUAGE.ceilings(WORDS)

    assert np.allclose(0.5, best["left"][INNER][OPEN[INNER]])
    for side in ("left", "both"):
        assert np.allclose(1.0, best[side][INNER][~OPEN[INNER]])
    assert np.allclose(1.0, best["both"][INNER][OPEN[INNER]])


def test_a_next_word_tells_an_open_tag_and_a_word_before_a_closed_one():
    """By counting, without the recursions that the ceilings are made by."""
    told: dict[tuple[str, int, int], set[int]] = {}
    for word, tag, before, after in zip(*(part[INNER].ravel() for part in (WORDS, TAGS)), *_beside(), strict=True):
        is_open = word < LANGUAGE.open_words
        told.setdefault(("open", word, after) if is_open else ("closed", word, before), set()).add(int(tag))

    assert all(len(tags) == 1 for tags in told.values())


def _beside() -> tuple[np.ndarray, np.ndarray]:
    return WORDS[:, 1:-2].ravel(), WORDS[:, 3:].ravel()


def test_own_lines_are_possible_and_shuffled_ones_are_not():
    legal, nats = LANGUAGE.read(WORDS)
    shuffled, _ = LANGUAGE.read(np.random.default_rng(0).permuted(WORDS, axis=1))

    assert legal.all() and 1.0 < nats.mean() < np.log(8)
    assert shuffled.mean() < 0.9 and shuffled.all(axis=1).mean() < 0.05


def test_topics_can_be_told_better_than_by_chance_and_not_always():
    assert 0.7 < LANGUAGE.ceilings(WORDS)["topic"].mean() < 0.99
    assert 0.4 < TOPICS.mean() < 0.6


def test_too_few_words_for_two_tags_are_refused():
    with pytest.raises(ValueError, match="expected an even number from 8"):
        Ambiguous(words=6)
