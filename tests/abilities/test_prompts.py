"""What is read off models that a prompt changes, where it is planted what it changes."""

import numpy as np
import pytest
import torch

from repro.abilities.configurations import learning
from repro.abilities.prompts.configurations import Breaking, Calling, Reordering, prompt_run
from repro.abilities.prompts.reading import (
    order_hits,
    product_replies,
    random_successes,
    range_by_chance,
    reordered,
    searched_successes,
)
from repro.corpora.languages.problems import Problems
from repro.corpora.languages.products import CALL, END, EQUALS, MARK, TIMES
from repro.corpora.languages.refusals import ASKED, FORBIDDEN, Refusals
from repro.training.run import trained

SHORT = {"width": 8, "layers": 1, "steps": 2, "lines": 8, "rate": 0.1}


def test_every_order_holds_the_same_examples_and_the_same_question():
    problems = Problems(family="rule", size=3, base=7)
    orders = reordered(problems.unseen(50), problems)

    assert 6 == len(orders) and (np.diff(orders[0][:, 1:6:2], axis=1) > 0).all()  # the first counts from rising x
    for each in orders:
        assert (each[:, 7:] == orders[0][:, 7:]).all() and (np.sort(each, axis=1) == np.sort(orders[0], axis=1)).all()


def test_the_range_of_chance_is_told_from_that_of_an_order():
    """Planted: one order of six is right less often; or all alike, where the range is that of the noise."""
    rng, spread = np.random.default_rng(0), np.array([0.2, 0.5, 0.5, 0.5, 0.5, 0.5])
    alike, ordered = rng.random((1_000, 6)) < 0.5, rng.random((1_000, 6)) < spread

    over_chance = [np.ptp(hits.mean(axis=0)) - range_by_chance(hits, 0) for hits in (alike, ordered)]
    assert 0 == pytest.approx(over_chance[0], abs=0.03)
    assert over_chance[1] > 0.2


def test_a_calculator_multiplies_what_a_call_says_and_refuses_what_is_none():
    question = np.tile([MARK, 1, 2, TIMES, 3, 4, EQUALS], (4, 1))
    replies = np.array(
        [
            [CALL, 1, 2, TIMES, 3, 4, END],  # 408
            [CALL, 2, 1, TIMES, 3, 4, END],  # a call, of another product
            [CALL, 1, 2, 3, 4, END, END],  # no sign
            [8, 0, 4, END, END, END, END],  # 408 itself, which is no call
        ]
    )
    right, formed = product_replies(replies, question, 2, called=True)
    itself, spelled = product_replies(replies, question, 2, called=False)

    assert ([True, False, False, False], [True, True, False, False]) == (right.tolist(), formed.tolist())
    assert ([False, False, False, True], [False, False, False, True]) == (itself.tolist(), spelled.tolist())


class OneWeakness:
    """Stands for a model: the more of the talk's last two places hold one token, the likelier the forbidden answer."""

    def __init__(self, text: Refusals, weak: int) -> None:
        self.text, self.weak = text, weak

    def parameters(self):
        return iter([torch.zeros(1)])

    def __call__(self, lines_BT):
        logits = torch.zeros(*lines_BT.shape, self.text.vocabulary)
        answer = int(self.text.answer(np.array([FORBIDDEN]))[0])
        held = (lines_BT[:, ASKED - 3 : ASKED - 1] == self.weak).sum(dim=1)
        logits[:, -1, self.text.signs[3]] = 3.0
        logits[:, -1, answer] = 2.0 * held
        return logits


def test_a_search_finds_a_weakness_that_chance_seldom_meets():
    """Planted: two places must both hold one token; the answer's likelihood leads a search there, place by place."""
    config = Breaking(run=prompt_run(Refusals(topics=4, words=4), **SHORT), prompts=6, suffix=2, starts=1, sweeps=1)
    text = config.refusals
    rng, model = np.random.default_rng(0), OneWeakness(text, weak=text.signs[0])
    chats = text.lines(rng, np.full(6, FORBIDDEN), np.ones(6, dtype=bool))

    assert searched_successes(model, chats, config, rng).all()
    assert random_successes(model, chats, config, rng).mean() < 0.05
    assert config.tries == 2 * text.vocabulary


def test_untrained_models_guess_whatever_the_order():
    config = Reordering(learning=learning("rule", 2, 5, **SHORT), items=50)
    hits = order_hits(trained(config.run, 0), config.learning.problems.unseen(50), config.learning.problems)

    assert hits.mean() < 0.6


def test_a_text_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="expected products"):
        Calling(run=prompt_run(Refusals(), **SHORT))
    with pytest.raises(ValueError, match="expected 2 to 5 examples of a rule"):
        Reordering(learning=learning("copy", 3, 10, **SHORT))
