"""Problems: every answer is right, and no question of the test is ever trained on."""

import numpy as np
import pytest

from repro.corpora.languages.problems import FAMILIES, Problems, number


def problems(family: str) -> Problems:
    size = 1 if family == "modular addition" else 3
    base = {"modular addition": 23, "linear rule": 11}.get(family, 10)
    return Problems(family=family, size=size, base=base, tokens=20_000, test_tokens=2_000)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_test_question_is_never_trained_on(family: str):
    """And the two splits share out all questions, one in ten for the test."""
    made = problems(family)
    train, test = (made.lines(4_000, split)[:, : made.asked] for split in ("train", "test"))

    assert set() == {tuple(row) for row in train} & {tuple(row) for row in test}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_line_has_its_length_and_its_tokens(family: str):
    made = problems(family)
    drawn = made.draw("train")

    assert 0 == len(drawn) % made.length and drawn.max() < made.vocabulary
    assert {made.base} == set(drawn.reshape(-1, made.length)[:, 0])
    assert 0 < made.entropy < np.log(made.vocabulary)


@pytest.mark.parametrize("family", ["addition", "reversed addition"])
def test_sums_are_right(family: str):
    made = problems(family)
    lines = made.lines(500, "train")
    answer = lines[:, made.asked :]
    answer = answer[:, ::-1] if family == "reversed addition" else answer

    assert list(number(lines[:, 1:4], 10) + number(lines[:, 5:8], 10)) == list(number(answer, 10))


def test_the_rule_of_a_line_is_one_shift():
    lines = problems("rule").lines(500, "train")
    shifts = (lines[:, 2::2] - lines[:, 1::2]) % 10

    assert (shifts == shifts[:, :1]).all() and 10 == len(set(shifts[:, 0]))
    assert all(len(set(row)) == 4 for row in lines[:, 1::2])  # the question's x was not among the examples


def test_the_first_two_examples_of_a_linear_rule_tell_all_others():
    """Slope and shift solved from two pairs, modulo a prime."""
    lines = problems("linear rule").lines(500, "train")
    x, y = lines[:, 1::2], lines[:, 2::2]
    inverse = np.array([0, *(pow(step, -1, 11) for step in range(1, 11))])
    slope = (y[:, 1] - y[:, 0]) * inverse[(x[:, 1] - x[:, 0]) % 11] % 11

    assert ((y - y[:, :1] - slope[:, None] * (x - x[:, :1])) % 11 == 0).all() and set(range(1, 11)) == set(slope)
    with pytest.raises(ValueError, match="base 10 of a linear rule; expected a prime"):
        Problems(family="linear rule", size=3, base=10)


def test_steps_end_in_the_answer_of_the_plain_sum():
    """Both families draw the same digits, so that only the scratchpad differs."""
    plain, steps = (problems(family)._lines(np.random.default_rng(0), 50) for family in ("sum", "sum in steps"))

    assert (plain[:, -1] == steps[:, -1]).all() and (plain[:, :5] == steps[:, :5]).all()


def test_unseen_problems_differ_from_one_another():
    """A base of 7 has 49 questions, of which few are kept for the test."""
    lines = Problems(family="modular addition", size=1, base=7, tokens=1_000).unseen(4_000)

    assert len(lines) == len(np.unique(lines, axis=0)) < 49


def test_a_family_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'division'; expected one of addition"):
        Problems(family="division", size=3)
