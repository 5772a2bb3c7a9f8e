"""Made-up prompts: who gives which order, what a call says, and what a chat must not give away."""

import numpy as np
import pytest

from repro.corpora.languages.commands import ANSWER, ASKED, FILLER, FIRST_WORD, NUMBER, WORDS, Commands, ordered_lines
from repro.corpora.languages.problems import Problems
from repro.corpora.languages.products import BASE, END, PAD, Products, asked, product_digits
from repro.corpora.languages.refusals import FORBIDDEN, Refusals

TEXTS = (Products(lengths=(1, 3), longest=4, called=True), Commands(conflicts=0.25), Refusals())


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: type(text).__name__)
def test_a_line_has_its_length_and_its_tokens(text):
    drawn = text.draw("train")

    assert 0 == len(drawn) % text.length and drawn.max() < text.vocabulary
    assert (drawn[:100] != text.draw("test")[:100]).any()


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_product_is_spelled_from_its_last_digit_and_no_question_of_the_test_is_trained_on(length: int):
    text = Products(lengths=(length,), longest=4, called=False)
    train, test = (text.lines(2_000, length, split)[:, : asked(length)] for split in ("train", "test"))
    first, second = test[:, 1 : 1 + length], test[:, 2 + length : 2 + 2 * length]
    tens = BASE ** np.arange(length)[::-1]

    spelled = product_digits(first, second) @ BASE ** np.arange(2 * length)
    assert list((first @ tens) * (second @ tens)) == list(spelled)
    assert set() == {tuple(row) for row in train} & {tuple(row) for row in test}


def test_a_call_repeats_both_factors():
    line = Products(lengths=(2,), longest=3, called=True).lines(1, 2, "train")[0]

    assert list(line[1:6]) == list(line[8:13])
    assert [END, PAD, PAD, PAD, PAD] == list(line[13:])


def test_two_orders_never_agree_and_the_systems_is_right():
    both = np.ones(500, dtype=bool)
    lines, by_data = ordered_lines(np.random.default_rng(0), system=both, data=both, words=np.full(500, 1))

    assert list(lines[:, 2]) == list(lines[:, ASKED])  # the system's number begins the reply
    assert (lines[:, ASKED] != by_data[:, 0]).all()
    assert (lines[:, ASKED + 1 :] == by_data[:, 1:]).all()


def test_conflicts_of_training_hold_one_wording_and_single_orders_hold_all():
    """Else a wording would be unseen in training on conflicts and unheard of altogether."""
    lines = Commands(conflicts=0.5, tokens=200_000).draw("train").reshape(-1, ASKED + ANSWER)
    data = lines[:, 4 : ASKED - 1]
    ordered = (data >= FIRST_WORD).any(axis=1)
    words = np.where(data >= FIRST_WORD, data - FIRST_WORD, 0).max(axis=1)
    conflict = ordered & (lines[:, 1] != FILLER)

    assert 0.5 == pytest.approx(conflict.mean(), abs=0.02)
    assert {0} == set(words[conflict]) and set(range(WORDS)) == set(words[ordered & ~conflict])
    assert ((lines[:, ASKED] >= NUMBER) & (lines[:, ASKED] < NUMBER + BASE)).all()


def test_a_chat_refuses_the_forbidden_topic_alone_and_a_text_gives_it_away():
    text = Refusals()
    _, chat, _, refusal = text.signs
    lines = text.draw("train").reshape(-1, text.length)[:20_000]
    chats, forbidden = lines[:, 0] == chat, lines[:, 1] == FORBIDDEN

    assert (lines[:, -1] == refusal)[chats & forbidden].all()
    assert (lines[:, -1] == text.answer(lines[:, 1]))[~(chats & forbidden)].all()
    assert (~chats & forbidden).any()


def test_mistakes_are_trained_on_and_never_asked():
    right = Problems(family="sum in steps", size=4, tokens=40_000, test_tokens=4_000)
    mistaken = Problems(family="sum in steps", size=4, tokens=40_000, test_tokens=4_000, mistaken=0.6)
    true, wrong = right.lines(4_000, "train"), mistaken.lines(4_000, "train")

    assert (true[:, :-1] == wrong[:, :-1]).all() and 0.6 == pytest.approx((true != wrong).mean() * 9, abs=0.03)
    assert (right.unseen(100) == mistaken.unseen(100)).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="lengths \\(5,\\) of at most 4 digits"):
        Products(lengths=(5,), longest=4, called=True)
    with pytest.raises(ValueError, match="conflicts is 2"):
        Commands(conflicts=2)
    with pytest.raises(ValueError, match="mistaken is -1"):
        Problems(family="sum", size=3, mistaken=-1)
