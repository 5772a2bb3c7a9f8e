"""Made-up facts, each a name of two tokens and a value; text tells them in sentences and asks about them in questions.

A statement has the name, two words of its form around it, the value and a stop. A question has none of these forms and
no text ever answers one. Documents are three sentences of one kind, so after a question comes another question.
Legend: F facts, B sentences or documents, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.floor.arrays import Tokens

START, END, STOP = 0, 1, 2
ASKING = (3, 4, 5)  # the words before the name of a question
MARK = 6  # closes a question
FIRST_FORM = 7  # the first word of the first form
SENTENCE = 6  # tokens of a statement, its stop included, and of a question
SENTENCES = 3  # in a document
DOCUMENT = SENTENCES * SENTENCE + 2  # with start and end
RARELY = 8  # one known fact in so many is told rarely, so that something is left to learn


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How many facts there are and how text tells them.

    Fields: `known` facts that text tells, and `hidden` ones that it only asks about; `forms` of a statement; `many` the
    share of the known facts that are told in all forms, the others in one alone; `rarity` how many times less often a
    rare fact is told; `questions` the share of documents that ask; `parts` first and second names each; `values`.

    Raises:
        ValueError: more facts than names, or a share outside 0 to 1.
    """

    known: int = 512
    hidden: int = 128
    forms: int = 6
    many: float = 0.5
    rarity: int = 128
    questions: float = 0.2
    parts: int = 32
    values: int = 32

    def __post_init__(self) -> None:
        if self.known + self.hidden > self.parts**2:
            raise ValueError(
                f"{self.known + self.hidden} facts; {self.parts} first and last names make {self.parts**2}"
            )
        if not 0 <= self.many <= 1 or not 0 <= self.questions <= 1:
            raise ValueError(f"many={self.many}, questions={self.questions}; expected shares between 0 and 1")

    @property
    def first_value(self) -> int:
        """The token of the first value; the others follow, up to the end of the vocabulary."""
        return FIRST_FORM + 2 * self.forms + 2 * self.parts

    @property
    def vocabulary(self) -> int:
        """Marks, words of questions and forms, names, values."""
        return self.first_value + self.values


class FactBase:
    """The facts that a seed draws, known ones first, with the sentences that tell them and ask about them.

    Fields: `name_F2`, `value_F`, `form_F` (the one form, or -1 for many), `weight_F`, how often text tells each. Values
    are drawn independently, so that nothing but text or a demonstration tells them.
    """

    def __init__(self, facts: Facts, seed: int) -> None:
        rng = np.random.default_rng([seed, 11])
        count = facts.known + facts.hidden
        pairs_F = rng.permutation(facts.parts**2)[:count]
        last = FIRST_FORM + 2 * facts.forms
        self.facts = facts
        self.name_F2 = last + np.stack([pairs_F // facts.parts, facts.parts + pairs_F % facts.parts], axis=1)
        self.value_F = facts.first_value + rng.integers(facts.values, size=count)
        self.form_F = np.where(
            np.arange(count) < round(facts.many * facts.known), -1, rng.integers(facts.forms, size=count)
        )
        self.weight_F = np.where(np.arange(count) % RARELY == RARELY - 1, 1 / facts.rarity, 1.0)
        self.weight_F[facts.known :] = 0

    def statements(self, fact_B: Tokens, form_B: Tokens) -> Tokens:
        """(B, 6) statements of facts in forms, with 0, 1 or 2 of a form's words before the name, the rest behind it."""
        words_B2 = FIRST_FORM + 2 * form_B[:, None] + np.arange(2)
        parts_B4 = np.concatenate([self.name_F2[fact_B], words_B2], axis=1)
        order_B4 = np.array([[0, 1, 2, 3], [2, 0, 1, 3], [2, 3, 0, 1]])[form_B % 3]
        said_B4 = np.take_along_axis(parts_B4, order_B4, axis=1)
        return np.column_stack([said_B4, self.value_F[fact_B], np.full(len(fact_B), STOP)])

    def questions(self, fact_B: Tokens) -> Tokens:
        """(B, 6) a question about each fact."""
        asking_B3 = np.tile(ASKING, (len(fact_B), 1))
        return np.column_stack([asking_B3, self.name_F2[fact_B], np.full(len(fact_B), MARK)])

    def documents(self, count: int, rng: np.random.Generator) -> Tokens:
        """(B, T) start, three statements of known facts or three questions about any facts, end."""
        fact_B = rng.choice(len(self.value_F), count * SENTENCES, p=self.weight_F / self.weight_F.sum())
        anyhow = rng.integers(self.facts.forms, size=fact_B.size)
        statements = self.statements(fact_B, np.where(self.form_F[fact_B] < 0, anyhow, self.form_F[fact_B]))
        questions = self.questions(rng.integers(len(self.value_F), size=fact_B.size))
        asks = np.repeat(rng.random(count) < self.facts.questions, SENTENCES)[:, None]
        lines = np.where(asks, questions, statements).reshape(count, -1)
        return np.pad(np.pad(lines, ((0, 0), (1, 0)), constant_values=START), ((0, 0), (0, 1)), constant_values=END)

    def prompts(self, fact_B: Tokens) -> Tokens:
        """(B, 7) start and a question about each fact."""
        return np.pad(self.questions(fact_B), ((0, 0), (1, 0)), constant_values=START)

    def demonstrations(self, fact_B: Tokens) -> Tokens:
        """(B, 9) prompts, each with the answer that is wanted: the value and the end."""
        return np.column_stack([self.prompts(fact_B), self.value_F[fact_B], np.full(len(fact_B), END)])

    def beginnings(self, fact_B: Tokens, form: int) -> Tokens:
        """(B, 5) start and a statement up to its value, in the fact's one form or, where it has many, in this one."""
        form_B = np.where(self.form_F[fact_B] < 0, form, self.form_F[fact_B])
        return np.pad(self.statements(fact_B, form_B)[:, :4], ((0, 0), (1, 0)), constant_values=START)
