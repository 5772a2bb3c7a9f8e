"""Made-up reviews: their grammar, and what they are worth."""

import numpy as np
import pytest

from repro.corpora.languages.reviews import ASKED, LOG_ODDS, WORDS, draw_reviews, gold, in_words, is_review, prompts

DRAWN = draw_reviews(4_000, seed=0)


def review(text: str) -> np.ndarray:
    return np.array([[0, *(WORDS.index(word) for word in text.split())]])


def test_drawn_reviews_keep_to_the_grammar_and_their_worth_is_in_its_range():
    assert is_review(DRAWN).all()
    assert -2 <= gold(DRAWN).min() and gold(DRAWN).max() <= 4
    assert 2 == pytest.approx(gold(DRAWN).mean(), abs=0.1)  # half of them feel good


def test_gold_is_the_probability_that_a_review_feels_good():
    """Of reviews with gold near 4 p a share p was written in a good mood, which the strongest words betray."""
    best, worst = (
        review("film it is very perfect i loved its end its look is great"),
        review("film it is very awful i hated its end its look is dreadful"),
    )
    odds = LOG_ODDS[best[0, ASKED:]].sum()

    assert 4 / (1 + np.exp(-odds)) == pytest.approx(gold(best)[0])
    assert gold(worst)[0] < 0.1 < 3.9 < gold(best)[0]
    assert "film it is very perfect" == in_words(best[0])[:23]


@pytest.mark.parametrize(
    "text",
    [
        "film it is very great it is very great i liked its end",  # an adjective twice
        "film great great great great it is very nice i liked its end",  # no sentence
        "film it is its great i liked its end its look is nice",  # one word out of place
    ],
)
def test_what_is_no_review_loses_two(text: str):
    assert not is_review(review(text))[0]
    assert gold(review(text))[0] == pytest.approx(4 / (1 + np.exp(-LOG_ODDS[review(text)].sum())) - 2)


def test_longer_reviews_keep_to_the_grammar_and_tell_as_much():
    """Gold has the mean and the spread that it has in reviews of three sentences."""
    longer = draw_reviews(4_000, seed=0, sentences=12)

    assert (4_000, ASKED + 48) == longer.shape and is_review(longer).all()
    assert 2 == pytest.approx(gold(longer).mean(), abs=0.1)
    assert gold(DRAWN).std() == pytest.approx(gold(longer).std(), abs=0.05)


def test_an_adjective_may_come_again_after_three_sentences_and_not_before():
    other = "its end is nice its look is warm"

    assert is_review(review(f"film it is very great {other} it is very great"))[0]
    assert not is_review(review("film its end is flat it is very great its look is warm it is very great"))[0]


def test_no_prompt_is_both_trained_on_and_held_out():
    trained, held = ({int(row[1]) for row in prompts(side)} for side in (False, True))

    assert set() == trained & held
    assert len(WORDS[1:21]) == len(trained | held)
