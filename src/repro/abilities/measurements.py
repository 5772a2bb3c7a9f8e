"""Abilities as measurements: answers of models that a trial trains, and scores of other people's models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from repro.abilities.configurations import (
    EXAMS,
    FEWEST,
    KINDS,
    Answers,
    Learning,
    Probing,
    Recalling,
    Scores,
    Translating,
    Voting,
)
from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.models.counting import parameters
from repro.training.configurations import alike
from repro.training.short import AfterTraining, cost_of

if TYPE_CHECKING:
    from repro.models.transformer import Transformer

MOST_SCORES = 800  # that a record keeps for a figure, so that it stays small


@AfterTraining
def problem_scores(model: Transformer, config: Learning, seed: int) -> Numbers:
    """The scores of a model's answers to problems that training never held, one set of answers under many metrics.

    Beside those of `answer_scores`: `positions` the accuracy of each token of the answer with the right ones before it
    (of a rule: of each y, the first after no example); `correct` of `items` replies are right, a scratchpad being no
    part of a reply; `numeric_error`, None where the answer is no number; `validation_loss` over whole lines, in nats
    per token.
    """
    from repro.abilities.replies import addition_error, answer_places, read_lines
    from repro.abilities.scores import answer_scores, log_law, log_probs_at

    problems, asked = config.problems, config.problems.asked
    lines_BT = problems.unseen(config.items)
    written_BT, logits_BTV = read_lines(model, lines_BT, asked)
    given_BA, right_BA = written_BT[:, asked:], lines_BT[:, asked:]
    hits_T = (logits_BTV.argmax(-1) == lines_BT[:, 1:]).mean(axis=0)
    return {
        **answer_scores(given_BA, right_BA, logits_BTV[:, asked - 1 :]),
        "numeric_error": addition_error(given_BA, right_BA, problems),
        "validation_loss": -float(log_probs_at(lines_BT[:, 1:], log_law(logits_BTV)).mean()),
        "positions": hits_T[answer_places(problems)].tolist(),
        "items": len(lines_BT),
        "correct": int((written_BT == lines_BT)[:, -problems.reply :].all(axis=1).sum()),
        **cost_of(config.run),
    }


@measurement(version=2, together=problem_scores.together)
def learn(config: Learning, seed: int) -> Numbers:
    """Train on problems, let the model answer unseen ones, and give the `problem_scores` of its answers.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    return problem_scores.trial(config, seed)


@AfterTraining
def vote_scores(model: Transformer, config: Voting, seed: int) -> Numbers:
    """What the most frequent of several sampled replies is worth, as `votes` scores it, beside a single one."""
    from repro.abilities.replies import sampled_replies
    from repro.abilities.scores import votes

    problems = config.learning.problems
    lines_BT = problems.unseen(config.learning.items)
    questions_BT = lines_BT[:, : problems.asked].repeat(config.samples, axis=0)
    length = problems.length - problems.asked
    replies_N = sampled_replies(model, questions_BT, length, temperature=config.temperature, seed=seed)
    return votes(replies_N.reshape(len(lines_BT), config.samples), lines_BT[:, -1])


@measurement(version=1, together=vote_scores.together)
def vote(config: Voting, seed: int) -> Numbers:
    """Train on problems, let the model write each answer to unseen ones several times, and count the replies.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    return vote_scores.trial(config, seed)


@AfterTraining
def recall_scores(model: Transformer, config: Recalling, seed: int) -> Numbers:
    """How many facts a model knows, and how many exams it passes.

    `accuracy` of the answers and their `cross_entropy` in nats, over questions drawn as the facts were; `known` of
    `facts`: those whose answer is right, however rare; `passed` of `taken`: of exams of 1, 2, 4, ... 32 of the same
    questions, those without a wrong answer.

    Source: Schaeffer et al. 2023 (arXiv:2304.15004), section 5, for exams that make emergence of a smooth accuracy.
    """
    from repro.abilities.replies import exams_passed, read_facts

    facts = config.facts
    hits_K, nats_K = read_facts(model, facts.sequences())
    asked_B = facts.law.draw(np.random.default_rng([seed, config.questions]), config.questions)
    return {
        "accuracy": float(hits_K[asked_B].mean()),
        "cross_entropy": float(nats_K[asked_B].mean()),
        "known": int(hits_K.sum()),
        "facts": facts.skills,
        "passed": [exams_passed(hits_K[asked_B], size) for size in EXAMS],
        "taken": [config.questions // size for size in EXAMS],
        **cost_of(config.run),
    }


@measurement(version=1, together=recall_scores.together)
def recall(config: Recalling, seed: int) -> Numbers:
    """Train on facts, the commonest seen most, and ask for them as often as they were seen: `recall_scores`.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    return recall_scores.trial(config, seed)


@AfterTraining
def translation_scores(model: Transformer, config: Translating, seed: int) -> Numbers:
    """Shares of right translations after 0, 1, ... pairs in the context, with the parameters as they are.

    In languages of training (`known`) and in the one whose pairs each line draws anew (`new`): of a word that the line
    has not shown, after 0, 1, ... P - 1 pairs; and of one that it has shown (`known_again`, `new_again`), after 1, ...
    P - 1.
    """
    from repro.abilities.replies import likeliest_tokens, share_repeated

    text, scores = config.dictionaries, {}
    for kind in KINDS:
        lines_BT = text.asked(config.items, known=kind == "known")
        hits_BP = likeliest_tokens(model, lines_BT[:, :-1])[:, 1::2] == lines_BT[:, 2::2]
        scores[kind] = hits_BP.mean(axis=0).tolist()
        scores[f"{kind}_again"] = [share_repeated(model, lines_BT, shown) for shown in range(1, text.pairs)]
    return {**scores, "items": config.items, **cost_of(config.run)}


@measurement(version=1, together=translation_scores.together)
def translate(config: Translating, seed: int) -> Numbers:
    """Train on dictionaries, then ask for translations after 0, 1, ... pairs: `translation_scores`.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.

    Source: Pan et al. 2023 (arXiv:2305.09731) for recognising a task as against learning one.
    """
    return translation_scores.trial(config, seed)


@AfterTraining
def probe_scores(model: Transformer, config: Probing, seed: int) -> Numbers:
    """What a linear probe reads of word classes off a model's last states, by ridge regression.

    Shares right: `seen` of the class of a symbol whose kind the probe was fitted on, in other text; `control`, as
    `seen`, of a class dealt to each symbol by chance, which the probe alone can have learned (selectivity is `seen`
    minus `control`); `unseen` of the class of symbols of which the probe was fitted on none; `before` of the class of
    the token before. `frequent`: of a guess at the commonest class.

    Source: Hewitt & Liang 2019 (arXiv:1909.03368), control tasks and selectivity.
    """
    from repro.abilities.probing import accuracy, read_states

    states_NW, symbols_N, before_N = read_states(model, config)
    kinds_V = config.language.classes_of()
    rng = np.random.default_rng([seed, 5])
    known_V = np.isin(np.arange(len(kinds_V)), rng.permutation(len(kinds_V))[: len(kinds_V) // 2])
    first_N = np.arange(len(symbols_N)) < len(symbols_N) // 2
    known_N, right_N = known_V[symbols_N], kinds_V[symbols_N]
    return {
        "seen": accuracy(states_NW, right_N, first_N, ~first_N),
        "control": accuracy(states_NW, rng.permutation(kinds_V)[symbols_N], first_N, ~first_N),
        "unseen": accuracy(states_NW, right_N, first_N & known_N, ~first_N & ~known_N),
        "before": accuracy(states_NW, kinds_V[before_N], first_N, ~first_N),
        "frequent": float(np.bincount(right_N[~first_N]).max() / (~first_N).sum()),
        "states": len(symbols_N),
        "parameters": parameters(config.run.model).total,
    }


def probe_together(configs: Sequence[Probing], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`probe` of models trained in one program, up to rounding; of models before training, one after another."""
    if configs[0].trained:
        return probe_scores.trials(configs, seeds)
    return [probe.function(config, seed) for config, seed in zip(configs, seeds, strict=True)]


@measurement(version=1, together=Together(alike, probe_together))
def probe(config: Probing, seed: int) -> Numbers:
    """Read word classes off a model, on text that it was not trained on: `probe_scores`, after or before training.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    if config.trained:
        return probe_scores.trial(config, seed)
    from repro.abilities.probing import untrained

    return probe_scores.reading(untrained(config, seed), config, seed)


@measurement(version=1)
def score_shape(config: Scores, seed: int) -> Numbers:
    """How each task's score grows with compute, by one metric.

    Lists run over the tasks; `x` over the runs, and `y` over the runs of the first task, then of the second, and so on
    (None: not scored); of more than 800 scores none is kept. Tasks with fewer than eight scores are left out. `score`
    is None where it is infinite.
    """
    from repro.abilities.estimates import emergence_score
    from repro.abilities.shape import bend, by_compute, five_digits
    from repro.abilities.tables import scores_of

    wide = scores_of(config, seed)
    wide = wide[[task for task in wide.columns if wide[task].notna().sum() >= FEWEST]]
    curves = [wide[task].dropna() for task in wide]
    bends = [bend(curve.index, curve) for curve in curves]
    names = ("early", "late", "early_error", "p_gain", "p_abrupt", "p_smooth")
    return {
        "tasks": [str(task) for task in wide],
        "runs": [len(curve) for curve in curves],
        **{name: five_digits([getattr(line, name) for line in bends]) for name in names},
        "freedom": [line.freedom for line in bends],
        "score": five_digits([emergence_score(by_compute(curve)) for curve in curves]),
        "x": five_digits(wide.index),
        "y": five_digits(wide.to_numpy().T.ravel()) if wide.size <= MOST_SCORES else [],
    }


@measurement(version=1)
def answers_by_loss(config: Answers, seed: int) -> Numbers:
    """Each model's text, parameters, loss and mean score, and for each task how surely it follows the loss.

    `kendall` is Kendall's tau between minus the loss and the score of a task over all models, `p_value` that of no
    rising relation. A model that lacks a score is left out of all means, so that every mean is over the same tasks.
    """
    from scipy import stats

    from repro.abilities.tables import MODEL, answers_of

    models = answers_of(config, seed).dropna()
    tasks = models.drop(columns=[*MODEL])
    ranks = [stats.kendalltau(-models["loss"], tasks[task], alternative="greater") for task in tasks]
    return {
        "text": [str(text) for text in models["text"]],
        "N": [float(N) for N in models["N"]],
        "loss": [round(float(loss), 5) for loss in models["loss"]],
        "score": [round(float(score), 6) for score in tasks.mean(axis=1)],
        "tasks": [str(task) for task in tasks],
        "kendall": [round(float(rank.statistic), 4) for rank in ranks],
        "p_value": [float(f"{rank.pvalue:.4g}") for rank in ranks],
    }
