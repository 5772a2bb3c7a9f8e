"""Facts and demonstrations: what text tells and what it does not, and readings that tell form from knowledge."""

import numpy as np
import pytest
import torch

from repro.alignment.demonstrations.configurations import Eliciting
from repro.alignment.demonstrations.eliciting import PROMPT, deal_facts, formed_share, known_share, right_share
from repro.alignment.demonstrations.measurements import elicited
from repro.corpora.languages.facts import ASKING, DOCUMENT, END, MARK, SENTENCE, START, STOP, FactBase, Facts

FACTS = Facts(known=96, hidden=40, forms=3, rarity=4, parts=12, values=8)
BASE, RNG = FactBase(FACTS, 0), np.random.default_rng(1)
ALL = np.arange(FACTS.known + FACTS.hidden)
TINY = Eliciting(
    facts=FACTS,
    demonstrations=(0, 40),
    taught=20,
    validated=20,
    learning_rates=(3e-3,),
    reading=10,
    documents=16,
    steps=40,
    width=16,
    layers=1,
)


def test_text_tells_known_facts_alone_each_in_its_forms_and_rare_ones_rarely():
    """No statement is about a hidden fact, none has another value, and no question is answered."""
    drawn = BASE.documents(4_000, RNG)
    lines = drawn[:, 1:-1].reshape(-1, SENTENCE)
    asks = lines[:, 0] == ASKING[0]
    stated = {tuple(line) for line in lines[~asks]}
    may = {
        (fact, form): tuple(BASE.statements(np.array([fact]), np.array([form]))[0])
        for fact in range(FACTS.known)
        for form in (range(FACTS.forms) if BASE.form_F[fact] < 0 else [BASE.form_F[fact]])
    }
    told = np.bincount([fact for line in lines[~asks] for fact in _facts_of(line)], minlength=len(ALL))

    assert (4_000, DOCUMENT) == drawn.shape
    assert set(may.values()) == stated
    assert 0 == told[FACTS.known :].sum()
    assert 1 / FACTS.rarity == pytest.approx(told[7 : FACTS.known : 8].mean() / told[: FACTS.known : 8].mean(), rel=0.2)
    assert {ASKING[0], END} == set(drawn[:, 2:][drawn[:, 1:-1] == MARK])
    assert FACTS.questions == pytest.approx(asks.mean(), abs=0.03)


def _facts_of(line):
    """The facts whose name stands in a statement: one."""
    return np.flatnonzero((BASE.name_F2[:, :1] == line).any(axis=1) & (BASE.name_F2[:, 1:] == line).any(axis=1))


def test_no_two_facts_share_a_name_and_no_two_parts_share_a_fact():
    """What is tested was neither shown nor used to choose."""
    parts = list(vars(deal_facts(TINY, 0)).values())

    assert len(ALL) == len({tuple(name) for name in BASE.name_F2})
    np.testing.assert_array_equal(ALL, np.sort(np.concatenate(parts)))
    assert max(np.concatenate(parts[:3])) < FACTS.known <= min(np.concatenate(parts[3:]))
    with pytest.raises(ValueError, match="expected at least 20 of each"):
        Eliciting(facts=FACTS, demonstrations=(0, 64), taught=20, validated=20)


class Scripted:
    """A model by rule: what it goes on with after a statement's beginning, a question, and its own answer."""

    def __init__(self, states, answers, closes):
        self.states, self.answers, self.closes = states, answers, closes

    def __call__(self, tokens_BT):
        said = []
        for tokens in tokens_BT.numpy():
            facts = _facts_of(tokens)
            after = {PROMPT: self.answers, PROMPT + 1: lambda fact: self.closes}.get(len(tokens), self.states)
            said.append(after(facts[0]))
        return torch.nn.functional.one_hot(torch.tensor(said), FACTS.vocabulary)[:, None]


def _value(fact):
    return BASE.value_F[fact]


def _wrong(fact):
    return FACTS.first_value + (BASE.value_F[fact] + 1) % FACTS.values


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Scripted(_value, _value, END), (1, 1, 1)),
        (Scripted(_value, lambda fact: ASKING[0], ASKING[1]), (0, 0, 1)),  # as text goes on: it knows, and asks more
        (Scripted(_value, _wrong, END), (1, 0, 1)),  # form without knowledge
        (Scripted(_wrong, _value, STOP), (0, 1, 0)),  # knowledge without form
    ],
)
def test_form_answers_and_knowledge_are_three_readings(model, expected):
    """Each is read from what is said and from nothing else."""
    assert expected == tuple(read(model, BASE, ALL) for read in (formed_share, right_share, known_share))


def test_values_are_drawn_by_themselves_so_that_a_model_without_leaks_is_right_by_chance():
    """One that answers by any rule but the facts of this seed is; one that was told them is not."""
    other = FactBase(FACTS, 1)
    shares = [np.mean(FactBase(FACTS, seed).value_F == other.value_F) for seed in range(2, 60)]

    assert 1 / FACTS.values == pytest.approx(np.mean(shares), abs=0.015)
    assert 1 == right_share(Scripted(_value, _value, END), BASE, ALL[FACTS.known :])


def test_demonstrations_are_a_question_with_its_value_and_the_end_and_beginnings_hold_no_value():
    shown, begun = BASE.demonstrations(ALL), [BASE.beginnings(ALL, form) for form in range(FACTS.forms)]

    np.testing.assert_array_equal(np.column_stack([BASE.prompts(ALL), BASE.value_F, np.full(len(ALL), END)]), shown)
    assert {START} == set(shown[:, 0])
    assert max(one.max() for one in begun) < FACTS.first_value


def test_demonstrations_give_form_and_can_teach_what_they_tell():
    """A reader that knows nothing yet answers in form after them, and has no untold fact but by chance."""
    numbers = elicited.function(TINY, 0)

    assert 0 == numbers["formed"][0] < 0.8 < numbers["formed"][1]
    assert numbers["taught"] > numbers["untold"][1] + 0.2
    assert [0, 3e-3] == numbers["learning_rate"]
    assert FACTS.known - 60 == numbers["asked"]
