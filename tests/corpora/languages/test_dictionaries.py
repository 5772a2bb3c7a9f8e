"""Dictionaries: a language never changes, the new one is dealt out anew, and no context of the test was trained on."""

import numpy as np
import pytest

from repro.corpora.languages.dictionaries import Dictionaries, Lines

TEXT = Dictionaries(words=24, languages=3, pairs=6, tokens=130_000, test_tokens=13_000)


def read(split: str) -> tuple[Lines, Lines, Lines]:
    """(B, P) words, the languages of their translations, and the numbers of those among their language's."""
    lines = TEXT.draw(split).astype(np.int64).reshape(-1, TEXT.length)
    assert {TEXT.vocabulary - 1} == set(lines[:, 0])
    return lines[:, 1::2], lines[:, 2::2] // TEXT.words - 1, lines[:, 2::2] % TEXT.words


def test_a_line_keeps_to_one_language_and_three_in_four_are_in_the_new_one():
    _, languages, _ = read("train")

    assert (languages == languages[:, :1]).all() and set(range(4)) == set(languages[:, 0])
    assert 0.75 == pytest.approx((languages[:, 0] == 3).mean(), abs=0.02)


def test_a_language_never_changes_and_the_new_one_tells_nothing_of_a_word_not_shown():
    """In a line of the new language a word keeps its translation; over lines it has all of them, equally often."""
    words, languages, names = read("train")
    new = languages[:, 0] == 3
    apart = (words[:, :, None] == words[:, None]) == (names[:, :, None] == names[:, None])
    counts = np.zeros((24, 24))
    np.add.at(counts, (words[new, 0], names[new, 0]), 1)

    assert (names[~new] == words[~new]).all() and apart.all()
    assert 0 < counts.min() and counts.max() < 3 * counts.mean()


def test_neighbours_of_the_test_are_never_trained_on_and_it_repeats_no_word():
    """A quarter of all pairs; every line of the test holds such pairs alone, so that none of its contexts is known."""
    follows = TEXT.neighbours()
    train, test = read("train")[0], read("test")[0]

    assert 6 * 24 == follows.sum() and not follows.diagonal().any()
    assert not follows[train[:, :-1], train[:, 1:]].any() and follows[test[:, :-1], test[:, 1:]].all()
    assert all(len(set(row)) == 6 for row in test) and any(len(set(row)) < 6 for row in train)


def test_what_is_asked_is_all_known_or_all_new():
    known, new = (TEXT.asked(300, known=kind)[:, 2] // TEXT.words - 1 for kind in (True, False))

    assert {0, 1, 2} == set(known) and {3} == set(new)


def test_too_few_words_are_refused():
    with pytest.raises(ValueError, match="four times as many words as pairs"):
        Dictionaries(words=20, pairs=6)
