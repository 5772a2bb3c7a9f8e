"""Learning a family of problems: what is scored is what was generated, alone or in one program."""

import pytest

from repro.abilities.configurations import Learning, learning
from repro.abilities.measurements import learn
from repro.corpora.languages.problems import Problems
from repro.training.configurations import Pretraining


def tiny(family: str) -> Learning:
    """Steps enough to learn a little."""
    return learning(family, 2, 10, width=8, layers=1, steps=40, lines=32, rate=0.3)


def test_an_answer_is_right_whole_exactly_if_every_token_is_with_the_right_ones_before_it():
    """Generation and teacher forcing agree on exact match, and on nothing else."""
    scores = learn(tiny("copy"), 0)

    assert scores["correct"] / scores["items"] == scores["exact_match"] <= min(scores["positions"])


def test_runs_in_one_program_score_as_they_do_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path))
    config = tiny("sum in steps")

    alone, together = learn(config, 1), learn.all_together([config, config], [0, 1])[1]

    assert alone["cross_entropy"] == pytest.approx(together["cross_entropy"], rel=1e-3)


def test_scores_do_not_know_how_many_lines_were_read_at_a_time(monkeypatch):
    """A GPU's attention cannot read a million lines at once."""
    whole = learn(tiny("copy"), 0)
    monkeypatch.setattr("repro.abilities.replies.READ", 7)
    parts = learn(tiny("copy"), 0)

    assert (whole["correct"], whole["items"]) == (parts["correct"], parts["items"])
    assert whole["validation_loss"] == pytest.approx(parts["validation_loss"], rel=1e-5)


def test_a_context_that_is_not_one_line_is_refused():
    run = learning("copy", 3, 10, width=16, layers=1, steps=2, lines=4, rate=0.3).run
    other = Pretraining(
        model=run.model,
        text=Problems(family="copy", size=4),
        readings=run.readings,
        batch=run.batch,
        learning_rate=run.learning_rate,
        warmup=run.warmup,
    )

    with pytest.raises(ValueError, match="expected problems, one line a window"):
        Learning(run=other)
