"""The controls of the rules for jumps: an even ability is spared, a made jump is found, and either can fail."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from repro.abilities.configurations import EXAMS, Recalling, recalling
from repro.abilities.estimates import exams_table, jumps, score_ratios, shares_right, unforeseen
from repro.abilities.measurements import recall
from repro.abilities.replies import exams_passed
from repro.corpora.languages.zipf import Zipf

SIZES = [600.0, 1_250.0, 2_500.0, 5_000.0, 10_000.0, 20_000.0, 40_000.0]
EXAM = 32


def tiny() -> Recalling:
    """Steps enough to learn the commonest facts."""
    config = recalling(0.1, 16, 2, width=8, layers=1, steps=20, lines=32, rate=0.3)
    return replace(config, questions=1_024)


def planted(*, even: bool) -> pd.DataFrame:
    """The share of 1,024 facts known by each seed, where room grows with size, or is there from one size on."""
    generator, law = np.random.default_rng(0), Zipf(1024, 1.1).p
    room = np.array(SIZES) / 60 if even else np.where(np.array(SIZES) < 8_000, 12, 600)
    seen = room * np.exp(generator.normal(scale=0.05, size=(16, len(SIZES))))
    return pd.DataFrame([[law[: int(one)].sum() for one in row] for row in seen], columns=SIZES)


def test_an_even_ability_is_spared_by_every_rule():
    """The negative control, as the page judges it; it fails where the ability itself is a stair."""
    even, stair = planted(even=True), planted(even=False)

    assert (jumps(even) < 2).all() and (unforeseen(even) < 0.2).all()
    assert (jumps(stair) > 4).all() and (unforeseen(stair) > 0.5).all()


def test_exams_make_a_jump_of_the_same_answers():
    """The positive control; exams of one question change nothing, so it fails there."""
    even = planted(even=True)
    exam = even**EXAM

    assert jumps(exam).mean() > 2 and unforeseen(exam).mean() > 0.2
    assert score_ratios(exam, even, items=8_192).mean() > 1.5
    assert 1 == pytest.approx(score_ratios(even**1, even, items=8_192).mean())


def test_exams_of_drawn_questions_are_passed_as_the_power_of_the_accuracy():
    """Questions are drawn one by one, so that no independence has to be assumed."""
    hits = np.random.default_rng(0).random(320_000) < 0.9

    assert 0.9**16 == pytest.approx(exams_passed(hits, 16) / 20_000, abs=0.01)
    assert (1, 0) == (
        exams_passed(np.array([True, True, False, True, True]), 2),
        exams_passed(np.array([False, True]), 2),
    )


def test_a_model_that_learned_knows_more_than_a_guesser_and_alone_as_together(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path))
    config = tiny()

    alone, together = recall(config, 1), recall.all_together([config, config], [0, 1])[1]

    assert alone["accuracy"] > 2 / 8  # twice a guess among eight answers
    assert alone["cross_entropy"] == pytest.approx(together["cross_entropy"], rel=1e-3)
    assert alone["passed"][0] == round(alone["accuracy"] * config.questions)


def test_each_exam_has_a_row_and_a_run_that_diverged_has_none():
    runs = pd.DataFrame(
        {"parameters": [9, 9], "seed": [0, 1], "diverged": [False, True], "passed": [[6, 3, 1, 0, 0, 0], None]}
    ).assign(taken=[[32, 16, 8, 4, 2, 1], None])

    assert [6 / 32, 3 / 16, 1 / 8, 0, 0, 0] == list(exams_table(runs)["share"])


def test_zero_of_many_is_an_interval_with_the_test_that_would_see_more():
    """0 of 1,000: the exact 99 % interval ends at 1 - 0.005^(1/1000), which some 565 problems would show."""
    found = shares_right(pd.DataFrame({"correct": [0, 1_000], "items": [1_000, 1_000]}))

    assert [0, 1] == list(found["share"])
    assert 1 - 0.005 ** (1 / 1000) == pytest.approx(found["up to"][0])
    assert 565 == pytest.approx(found["problems needed"][0], abs=1)


def test_what_is_no_text_of_facts_or_too_few_questions_is_refused():
    config = tiny()
    with pytest.raises(ValueError, match=f"31 questions; an exam has up to {EXAMS[-1]}"):
        replace(config, questions=31)
    with pytest.raises(ValueError, match="expected skills, one a window"):
        Recalling(run=replace(config.run, model=replace(config.run.model, context=6), batch=96))
