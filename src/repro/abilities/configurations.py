"""Trials of abilities: a short run and what its model is asked, or the scores of other people's models."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.corpora.languages.dictionaries import Dictionaries
from repro.corpora.languages.hidden_markov import HiddenMarkov
from repro.corpora.languages.problems import Problems
from repro.corpora.languages.skills import Skills
from repro.corpora.tables.tables import TableId
from repro.training.configurations import Pretraining
from repro.training.short import TESTED, short_run

EXAMS = (1, 2, 4, 8, 16, 32)  # questions of an exam, all of which must be answered right
KINDS = {"known": "a language of training", "new": "the new language"}
SCORE_WORLDS = ("mirage", "smooth", "abrupt")
ANSWER_WORLDS = ("law", "unrelated", "size", "text")
FEWEST = 8  # scores of a task; a line that bends has three coefficients


@dataclass(frozen=True, kw_only=True)
class Learning:
    """A training run on problems, and how many unseen ones its model answers (fewer where there are no more).

    Raises:
        ValueError: the text holds no problems, or the context is not one line.
    """

    run: Pretraining
    items: int = 4_000

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Problems) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected problems, one line a window")

    @property
    def problems(self) -> Problems:
        """The family of problems."""
        assert isinstance(self.run.text, Problems)
        return self.run.text


def learning(
    family: str, size: int, base: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Learning:
    """A `short_run` on a family of problems, `lines` of them per step."""
    problems = Problems(family=family, size=size, base=base)
    problems = replace(problems, tokens=(steps * lines + 1) * problems.length)
    run = short_run(problems, problems.length, width=width, layers=layers, steps=steps, lines=lines, rate=rate)
    return Learning(run=run)


def with_mistakes(config: Learning, share: float) -> Learning:
    """The same training on lines of which a share end one too high; the problems that are asked stay as they are."""
    return replace(config, run=replace(config.run, text=replace(config.problems, mistaken=share)))


@dataclass(frozen=True, kw_only=True)
class Voting:
    """A training run on problems whose model writes each answer several times, at a temperature.

    Raises:
        ValueError: fewer than two samples, a temperature that is not positive, or replies of more than one token.
    """

    learning: Learning
    samples: int = 15
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.samples < 2 or self.temperature <= 0:
            raise ValueError(f"{self.samples} samples at {self.temperature}; expected two or more, above 0")
        if self.learning.problems.reply != 1:
            raise ValueError(f"a reply of {self.learning.problems.reply} tokens; votes are counted on one")

    @property
    def run(self) -> Pretraining:
        """The training run."""
        return self.learning.run


@dataclass(frozen=True, kw_only=True)
class Recalling:
    """A training run on facts, and how many questions its model is asked, drawn as the facts were.

    Raises:
        ValueError: the text holds no facts, the context is not one fact, or no exam can be filled.
    """

    run: Pretraining
    questions: int = 65_536

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Skills) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected skills, one a window")
        if self.questions < EXAMS[-1]:
            raise ValueError(f"{self.questions} questions; an exam has up to {EXAMS[-1]}")

    @property
    def facts(self) -> Skills:
        """The language, in which each skill is a fact: a name and its answer."""
        assert isinstance(self.run.text, Skills)
        return self.run.text


def recalling(
    alpha: float, vocabulary: int, digits: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Recalling:
    """A `short_run` on facts, `lines` of them per step."""
    length = digits + 1
    facts = Skills(
        alpha=alpha,
        vocabulary=vocabulary,
        digits=digits,
        tokens=(steps * lines + 1) * length,
        test_tokens=(TESTED * lines + 1) * length,
    )
    return Recalling(run=short_run(facts, length, width=width, layers=layers, steps=steps, lines=lines, rate=rate))


@dataclass(frozen=True, kw_only=True)
class Translating:
    """A training run on dictionaries, and on how many lines of either kind its model is scored.

    Raises:
        ValueError: the text holds no dictionaries, or the context is not one line.
    """

    run: Pretraining
    items: int = 2_000

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Dictionaries) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected dictionaries, a line each")

    @property
    def dictionaries(self) -> Dictionaries:
        """The languages."""
        assert isinstance(self.run.text, Dictionaries)
        return self.run.text


def translating(
    words: int, languages: int, shown: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Translating:
    """A `short_run` on dictionaries, `lines` lines per step, each with `shown` pairs before its last word."""
    text = Dictionaries(words=words, languages=languages, pairs=shown + 1)
    length = text.length
    text = replace(text, tokens=(steps * lines + 1) * length, test_tokens=(TESTED * lines + 1) * length)
    return Translating(run=short_run(text, length, width=width, layers=layers, steps=steps, lines=lines, rate=rate))


@dataclass(frozen=True, kw_only=True)
class Probing:
    """A model of a language with hidden classes, trained or as its run would have begun, and how many states are read.

    Raises:
        ValueError: the text has no hidden classes, or holds too few tokens for its states.
    """

    run: Pretraining
    trained: bool = True
    states: int = 20_000

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, HiddenMarkov):
            raise ValueError(f"a text of {self.run.text}; expected a hidden Markov language, whose classes are known")
        if self.run.text.test_tokens <= self.states + self.run.model.context:
            raise ValueError(f"{self.run.text.test_tokens} test tokens; expected more than the {self.states} states")

    @property
    def language(self) -> HiddenMarkov:
        """The language."""
        assert isinstance(self.run.text, HiddenMarkov)
        return self.run.text


def probing(
    classes: int, symbols: int, context: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Probing:
    """A `short_run` on a hidden Markov language, `lines` windows per step."""
    text = HiddenMarkov(classes=classes, symbols=symbols, tokens=(steps * lines + 1) * context + 1)
    return Probing(run=short_run(text, context, width=width, layers=layers, steps=steps, lines=lines, rate=rate))


def with_control(config: Probing) -> list[Probing]:
    """The model after its training and, as the control, before it."""
    return [replace(config, trained=trained) for trained in (True, False)]


@dataclass(frozen=True, kw_only=True)
class PlantedScores:
    """Planted tasks, on which models of growing compute are scored by accuracy and by log-likelihood per token.

    Fields: `world` mirage: the loss falls smoothly, but an answer has many tokens and is right only if all are; smooth:
    the loss falls as smoothly, and an answer has one token; abrupt: the loss itself falls at once; `items` questions of
    a task, of which accuracy is the share answered rightly; `noise` the relative deviation of the loss.

    Raises:
        ValueError: there is no such world.
    """

    world: str
    tasks: int = 13
    runs: int = 30
    items: int = 1000
    noise: float = 0.01

    def __post_init__(self) -> None:
        _refuse_other_world(self.world, SCORE_WORLDS)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of other people's models by one metric.

    Fields: `source` a public table, a reader's own or a planted one; `metric` one of its metrics; `compute` the table
    that says what each model cost, where it is another one; `along` what grows: sizes of models trained to their end,
    or steps of the largest one.
    """

    source: TableId | PlantedScores
    metric: str
    compute: TableId | None = None
    along: str = "sizes"


@dataclass(frozen=True, kw_only=True)
class PlantedAnswers:
    """Planted models of two training texts, whose scores depend on what the world says.

    Fields: `world` law: on the loss alone; unrelated: on nothing; size: on the loss and the number of parameters; text:
    on the loss and the training text; `items` questions of a task, of which a score is the share answered rightly.

    Raises:
        ValueError: there is no such world.
    """

    world: str
    models: int = 80
    tasks: int = 20
    items: int = 1000

    def __post_init__(self) -> None:
        _refuse_other_world(self.world, ANSWER_WORLDS)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The losses and scores of one set of models: a public table, a reader's own, or a planted one."""

    source: TableId | PlantedAnswers


def _refuse_other_world(world: str, worlds: tuple[str, ...]) -> None:
    if world not in worlds:
        raise ValueError(f"world is {world!r}; expected one of {', '.join(worlds)}")
